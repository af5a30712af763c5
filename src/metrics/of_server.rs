//! A running server's own figures.

use super::list::{
    SERVER_AOF_BASE, SERVER_AOF_ENABLED, SERVER_AOF_SIZE, SERVER_CLIENTS, SERVER_CPU_SYSTEM,
    SERVER_CPU_USER, SERVER_DELAYED_FSYNC, SERVER_EVICTED, SERVER_LAG, SERVER_LAG_SECONDS,
    SERVER_LINK_UP, SERVER_MEMORY_MAX, SERVER_MEMORY_PEAK, SERVER_MEMORY_USED, SERVER_REWRITE_OK,
    SERVER_REWRITING, SERVER_ROLE, SERVER_UP, SERVER_WRITE_OK,
};
use super::samples::Samples;
use crate::server::{RoleOfServer, ServerState};

/// What a server said of itself, or that it said nothing. Whatever it did not say is absent.
pub fn of_server(samples: &mut Samples, server: &str, said: Option<&ServerState>) {
    let labels = [server];
    samples.add(&SERVER_UP, &labels, said.is_some());
    let Some(said) = said else { return };
    samples.add_known(&SERVER_MEMORY_USED, &labels, said.used_memory_bytes);
    samples.add_known(&SERVER_MEMORY_PEAK, &labels, said.used_memory_peak_bytes);
    samples.add_known(&SERVER_MEMORY_MAX, &labels, said.maxmemory_bytes);
    samples.add_known(&SERVER_CPU_USER, &labels, said.cpu_user_seconds);
    samples.add_known(&SERVER_CPU_SYSTEM, &labels, said.cpu_system_seconds);
    samples.add_known(&SERVER_CLIENTS, &labels, said.connected_clients);
    for role in [RoleOfServer::Primary, RoleOfServer::Replica] {
        let is_its = said.role.map(|own| own == role);
        samples.add_known(&SERVER_ROLE, &[server, role.as_str()], is_its);
    }
    samples.add_known(&SERVER_LINK_UP, &labels, said.primary_link_up);
    samples.add_known(&SERVER_LAG, &labels, said.replication_lag_bytes);
    samples.add_known(&SERVER_LAG_SECONDS, &labels, said.replication_lag_seconds);
    samples.add_known(&SERVER_AOF_ENABLED, &labels, said.aof_enabled);
    samples.add_known(&SERVER_AOF_SIZE, &labels, said.aof_current_bytes);
    samples.add_known(&SERVER_AOF_BASE, &labels, said.aof_base_bytes);
    samples.add_known(&SERVER_WRITE_OK, &labels, said.write_last_ok);
    samples.add_known(&SERVER_REWRITE_OK, &labels, said.rewrite_last_ok);
    samples.add_known(&SERVER_REWRITING, &labels, said.rewrite_in_progress);
    samples.add_known(&SERVER_DELAYED_FSYNC, &labels, said.delayed_fsyncs);
    samples.add_known(&SERVER_EVICTED, &labels, said.evicted_keys);
}
