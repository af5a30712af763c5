//! RDB files of versions that no server at hand writes, made byte by byte from what is written about them. Nothing
//! here uses the code that reads them.

/// CRC-64 as RDB files have it, bit by bit.
pub fn crc64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u64::from(*byte), |crc: u64, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0x95ac_9329_ac4b_c9b5 } else { crc >> 1 }
        })
    })
}

pub fn len(n: u64) -> Vec<u8> {
    match n {
        0..=0x3f => vec![n as u8],
        0x40..=0x3fff => vec![0x40 | (n >> 8) as u8, n as u8],
        0x4000..=0xffff_ffff => [&[0x80][..], &(n as u32).to_be_bytes()].concat(),
        _ => [&[0x81][..], &n.to_be_bytes()].concat(),
    }
}

pub fn string(text: &[u8]) -> Vec<u8> {
    [len(text.len() as u64), text.to_vec()].concat()
}

/// A listpack of these strings, or numbers where they are some.
pub fn listpack(entries: &[&str]) -> Vec<u8> {
    let mut body = Vec::new();
    for entry in entries {
        let before = body.len();
        match entry.parse::<i64>() {
            Ok(number @ 0..=127) => body.push(number as u8),
            Ok(number) => body.extend([&[0xf4][..], &number.to_le_bytes()].concat()),
            Err(_) => body.extend([&[0x80 | entry.len() as u8][..], entry.as_bytes()].concat()),
        }
        body.push((body.len() - before) as u8);
    }
    let size = (body.len() + 7) as u32;
    let head = [&size.to_le_bytes()[..], &(entries.len() as u16).to_le_bytes()].concat();
    [head, body, vec![0xff]].concat()
}

/// A file being made.
pub struct Rdb(pub Vec<u8>);

impl Rdb {
    pub fn new(magic: &str) -> Self {
        Self(magic.as_bytes().to_vec()).put(&[0xfe, 0])
    }

    pub fn put(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn key(self, number: u8, name: &str, value: &[&[u8]]) -> Self {
        self.put(&[number]).put(&string(name.as_bytes())).put(&value.concat())
    }

    pub fn sealed(mut self) -> Vec<u8> {
        self.0.push(0xff);
        let crc = crc64(&self.0);
        self.0.extend(crc.to_le_bytes());
        self.0
    }
}

/// What a key is, and how many elements it has.
pub type Row = (&'static str, &'static str, &'static str, u64);

/// One file, and what stands in it.
pub struct Made {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    pub keys: Vec<Row>,
    pub expires: u64,
    /// Keys whose field names are elsewhere in the file, and what RESTORE takes of each: with its names.
    pub inline: Vec<(&'static str, Vec<u8>)>,
}

const LATE: i64 = 5_000_000_000_000;

fn ms(at: i64) -> Vec<u8> {
    at.to_le_bytes().to_vec()
}

fn id(ms: u64, seq: u64) -> Vec<u8> {
    [ms.to_be_bytes(), seq.to_be_bytes()].concat()
}

/// A stream of one node with two entries, one group, two consumers, producers; with `nacked`, of version 5.
fn stream(nacked: bool) -> Vec<u8> {
    let node =
        listpack(&["2", "0", "1", "f", "0", "2", "0", "0", "v", "4", "2", "0", "1", "w", "4"]);
    let mut bytes = [len(1), string(&id(1, 0)), string(&node), len(2), len(1), len(1)].concat();
    bytes.extend([len(1), len(0), len(0), len(0), len(2), len(1)].concat());
    bytes.extend([string(b"group"), len(1), len(1), len(2), len(2)].concat());
    for seq in [0, 1] {
        bytes.extend([id(1, seq), ms(LATE), len(1)].concat());
    }
    bytes.extend([len(2), string(b"c1"), ms(LATE), ms(LATE), len(1), id(1, 0)].concat());
    bytes.extend([string(b"c2"), ms(LATE), ms(-1)].concat());
    match nacked {
        true => bytes.extend([len(0), len(1), id(1, 1)].concat()),
        false => bytes.extend([len(1), id(1, 1)].concat()),
    }
    bytes.extend([len(100), len(100), len(1), string(b"producer"), len(2)].concat());
    for seq in [0, 1] {
        bytes.extend([string(b"iid"), len(1), len(seq)].concat());
    }
    [bytes, len(2), len(0)].concat()
}

fn bitmap(parts: u64) -> Vec<u8> {
    let mut portable = parts.to_le_bytes().to_vec();
    for part in 0..parts as u32 {
        portable.extend(part.to_le_bytes());
        // One container with one number: cookie, how many, its key and size less one, where, what.
        for word in [12346_u32, 1, 0, 16] {
            portable.extend(word.to_le_bytes());
        }
        portable.extend([5, 0]);
    }
    portable
}

pub fn redis_14() -> Made {
    let array = [
        [len(4), len(1), len(900)].concat(),
        [len(0), len(0), string(b"text")].concat(),
        [len(1), len(1), ms(-5)].concat(),
        [len(70), len(2), 2.5_f64.to_le_bytes().to_vec()].concat(),
        [len(800), len(3), string(b"more")].concat(),
    ];
    let bytes = Rdb::new("REDIS0014")
        .key(26, "stream:4", &[&stream(false)])
        .key(27, "stream:5", &[&stream(true)])
        .key(28, "array", &[&array.concat()])
        .put(&[0xfc])
        .put(&ms(LATE))
        .key(29, "counter", &[&len(u64::from(u32::MAX) + 7)])
        .key(0, "last", &[&string(b"v")])
        .sealed();
    let keys = vec![
        ("stream:4", "stream", "stream", 2),
        ("stream:5", "stream", "stream", 2),
        ("array", "array", "array", 4),
        ("counter", "rate counter", "counter", 1),
        ("last", "string", "raw", 1),
    ];
    Made { name: "redis 14", bytes, keys, expires: 1, inline: Vec::new() }
}

pub fn redis_15() -> Made {
    let names = [string(b"a"), string(b"bb")].concat();
    let values = [string(b"1"), string(b"2")].concat();
    let bytes = Rdb::new("REDIS0015")
        .put(&[0xf2, 7, 2])
        .put(&names)
        .key(
            29,
            "inline:packed",
            &[&len(0), &string(&listpack(&["a", "bb"])), &string(&listpack(&["0", "x", "y"]))],
        )
        .key(30, "packed", &[&string(&listpack(&["7", "x", "y"]))])
        .key(31, "inline:array", &[&len(1), &len(2), &names, &values])
        .key(32, "array", &[&len(7), &values])
        .key(33, "counter", &[&len(9)])
        .key(33, "counter:2", &[&len(1 << 40)])
        .sealed();
    let keys = vec![
        ("inline:packed", "hash", "template", 2),
        ("packed", "hash", "template", 2),
        ("inline:array", "hash", "template", 2),
        ("array", "hash", "template", 2),
        ("counter", "rate counter", "counter", 1),
        ("counter:2", "rate counter", "counter", 1),
    ];
    let names = [len(1), len(2), names].concat();
    let inline = vec![
        ("packed", [&[29][..], &names, &string(&listpack(&["7", "x", "y"]))].concat()),
        ("array", [&[31][..], &names, &values].concat()),
    ];
    Made { name: "redis 15", bytes, keys, expires: 0, inline }
}

pub fn redis_later(magic: &'static str) -> Made {
    let packed = listpack(&["soon", "4000000000000", "late", "5000000000000", "never", "0"]);
    let expiring: Vec<u8> = [("a", 0), ("b", 1), ("c", 5000)]
        .iter()
        .flat_map(|(m, ttl)| [len(*ttl), string(m.as_bytes())].concat())
        .collect();
    let bytes = Rdb::new(magic)
        .put(&[0xf1])
        .key(0, "kept", &[&string(b"v")])
        .put(&[0xfc])
        .put(&ms(LATE))
        .put(&[0xf8, 5, 0xf1])
        .key(34, "set:packed", &[&ms(4_000_000_000_000), &string(&packed)])
        .key(35, "set:table", &[&ms(LATE), &len(3), &expiring])
        .key(33, "bitmap:empty", &[&len(0), &string(&bitmap(0))])
        .key(33, "bitmap", &[&len(1 << 33), &string(&bitmap(3))])
        .key(33, "counter", &[&len(9)])
        .key(11, "intset", &[&string(&[2, 0, 0, 0, 1, 0, 0, 0, 5, 0])])
        .key(33, "counter:last", &[&len(1 << 40)])
        .sealed();
    let keys = vec![
        ("kept", "string", "raw", 1),
        ("set:packed", "set", "listpackex", 3),
        ("set:table", "set", "hashtable", 3),
        ("bitmap:empty", "bitmap", "roaring", 1),
        ("bitmap", "bitmap", "roaring", 1),
        ("counter", "rate counter", "counter", 1),
        ("intset", "set", "intset", 1),
        ("counter:last", "rate counter", "counter", 1),
    ];
    Made { name: magic, bytes, keys, expires: 1, inline: Vec::new() }
}

pub const INLINE: [&[u8]; 2] =
    [b"*3\r\n$3\r\nSET\r\n$5\r\nfirst\r\n$2\r\nv2\r\n", b"*2\r\n$3\r\nDEL\r\n$4\r\ngone\r\n"];

pub fn valkey_81() -> Made {
    let path = [len(2), string(b"p1"), len(1), string(b"f"), string(b"v"), string(b"p2"), len(0)];
    let fields = [len(2), string(b"f"), string(b"v"), ms(LATE), string(b"g"), string(b"w"), ms(-1)];
    let bytes = Rdb::new("VALKEY081")
        .key(0, "first", &[&string(b"v1")])
        .key(0, "gone", &[&string(b"v")])
        .put(&[0xf2])
        .put(INLINE[0])
        .key(22, "hash", &[&fields.concat()])
        .put(&[0xf2])
        .put(INLINE[1])
        .key(23, "paths", &[&path.concat()])
        .sealed();
    let keys = vec![
        ("first", "string", "raw", 1),
        ("gone", "string", "raw", 1),
        ("hash", "hash", "hashtable", 2),
        ("paths", "hash", "path", 2),
    ];
    Made { name: "valkey 81", bytes, keys, expires: 0, inline: Vec::new() }
}

pub fn all() -> Vec<Made> {
    vec![redis_14(), redis_15(), redis_later("REDIS0016"), redis_later("REDIS0017"), valkey_81()]
}
