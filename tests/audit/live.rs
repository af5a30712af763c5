//! Real servers on this machine: the kernel's settings, known fixes, users, and no secret.

use std::fs;

use crate::asked::{audit, broken, report};
use crate::sets::private;
use crate::support::in_parallel;
use crate::support::live::Live;
use crate::support::server::{ALL, Server};

const SECRET: &str = "hunter2hunter2hunter2";

#[test]
fn a_server_on_this_machine_is_judged_with_its_kernel_and_its_release() {
    let servers = Server::all_or_none(&ALL);
    in_parallel(servers.len(), |i| {
        let dir = private();
        let socket = dir.path().join("s");
        let conf = dir.path().join("redis.conf");
        let lines = format!(
            "port 0\nunixsocket {}\ndir {}\nmasterauth {SECRET}\nuser other on >{SECRET} ~* +@all\n\
             user default on nopass ~* &* +@all\n",
            socket.display(),
            dir.path().display()
        );
        fs::write(&conf, lines).unwrap();
        let mut command = servers[i].command();
        command.arg(&conf);
        let _live = Live::spawn(&servers[i], command, dir.path(), &socket);
        let url = format!("unix://{}", socket.display());
        let report = report(&["--server", url.as_str()]);
        let found = broken(&report);
        let has = |rule: &str| found.contains(rule);
        let name = servers[i].name.as_str();
        // Who may log in, and that nobody else can: it listens on no port.
        assert!(has("AOF-076") && has("AOF-077") && has("AOF-040"), "{name}: {found:?}");
        assert!(
            !has("AOF-070") && !has("AOF-071") && !has("AOF-073") && !has("AOF-078"),
            "{name}: {found:?}"
        );
        let kernel = fs::read_to_string("/proc/sys/vm/overcommit_memory").unwrap_or_default();
        assert_eq!(has("AOF-046"), kernel.trim() != "1", "{name}: {found:?}");
        // Of the recorded servers only the newest lacks nothing.
        assert_eq!(has("AOF-131"), !name.starts_with("valkey-9.1"), "{name}: {found:?}");
        assert_eq!(has("AOF-130"), name == "redis-6.2", "{name}: {found:?}");
        for form in ["text", "json", "sarif"] {
            let answer = audit(&["--server", url.as_str(), "--format", form]);
            assert!(answer.out.contains("AOF-076"), "{name} {form}: {}", answer.err);
            assert!(!answer.out.contains(SECRET) && !answer.err.contains(SECRET), "{name} {form}");
        }
    });
}
