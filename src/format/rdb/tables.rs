//! What each number means, by family and version.
//!
//! | | Redis to 14 | Redis 15 | Redis from 16 | Valkey |
//! |---|---|---|---|---|
//! | type 22, 23 | hashes of release candidates | the same | the same | hash with expiries, path hash |
//! | type 29 | rate counter, where it is built in | hash template | hash template | |
//! | types 30 to 32 | | hash templates | hash templates | |
//! | type 33 | | rate counter, where it is built in | bitmap; the counter is told apart by its bytes | |
//! | types 34, 35 | | | sets with expiries | |
//! | opcode 241 | | | no eviction | |
//! | opcode 242 | | hash template | hash template | a command |
//! | opcode 243 | metadata of a key, from 13 | the same | the same | slots on their way |
//!
//! Pure. Sources: `rdb.c`, `rdb.h`, `t_stream.c`, `module.c` of Redis up to its development after 8.10 and of Valkey
//! up to that of 9.2. What came after version 13 of Redis and 80 of Valkey was read there and in test suites; no
//! server that writes it was run. Types 33 to 35 are said to be written under 16 in one branch and 17 in another,
//! so both versions have them.

use super::header::{Family, Header};
use super::layout::Item::{
    ArrayElement, AuxName, AuxValue, BitmapLength, Blob, Classes, Constant, Container, CrLf,
    Database, Elements, End, ExpireMs, ExpireSeconds, FieldExpiry, FieldTtl, Fixed, Flag,
    Frequency, Held, Hold, Idle, Len, Library, Loop, MetadataClass, ModuleOps, Node, ResizeHint,
    RespBulk, RespCommand, Score, Slot, Str, Template, TemplateNames, TemplateValues, Unwalkable,
};
use super::layout::{Body, Item, LISTPACK, Packed, Row, Rows, each, index, opcode, prefix, value};
use super::streams::{STREAM_V1, STREAM_V2, STREAM_V3, STREAM_V4, STREAM_V5};

pub(super) static REDIS_TO_14: Rows = index(&[
    SHARED_TYPES,
    SHARED_OPCODES,
    REDIS_TYPES,
    REDIS_OPCODES,
    RATE_COUNTER_29,
    TEMPLATE_TYPES,
    RATE_COUNTER_33,
    LATER_TYPES,
]);
pub(super) static REDIS_15: Rows = index(&[
    SHARED_TYPES,
    SHARED_OPCODES,
    REDIS_TYPES,
    REDIS_OPCODES,
    TEMPLATE_29,
    TEMPLATE_TYPES,
    RATE_COUNTER_33,
    LATER_TYPES,
]);
pub(super) static REDIS: Rows = index(&[
    SHARED_TYPES,
    SHARED_OPCODES,
    REDIS_TYPES,
    REDIS_OPCODES,
    TEMPLATE_29,
    TEMPLATE_TYPES,
    BITMAP_33,
    LATER_TYPES,
]);
pub(super) static VALKEY: Rows =
    index(&[SHARED_TYPES, SHARED_OPCODES, VALKEY_TYPES, VALKEY_OPCODES]);

const FIELD_LISTPACK: Item = Blob(Packed::FieldListpack);
const MEMBER_LISTPACK: Item = Blob(Packed::MemberListpack);
const ZIPLIST: Item = Blob(Packed::Ziplist);
const INTSET: Item = Blob(Packed::Intset);
const ZIPMAP: Item = Blob(Packed::Zipmap);

const FIELD_TTL: Body = each(&[FieldTtl, Str, Str]);
const MEMBER_TTL: Body = each(&[FieldTtl, Str]);

const SHARED_TYPES: &[Row] = &[
    value(0, ["string", "string", "raw"], 1, &[Str]),
    value(1, ["list", "list", "linkedlist"], 1, &[Elements(each(&[Str]))]),
    value(2, ["set", "set", "hashtable"], 1, &[Elements(each(&[Str]))]),
    value(3, ["zset text scores", "zset", "skiplist"], 1, &[Elements(each(&[Str, Score]))]),
    value(4, ["hash", "hash", "hashtable"], 1, &[Elements(each(&[Str, Str]))]),
    value(5, ["zset", "zset", "skiplist"], 8, &[Elements(each(&[Str, Fixed(8)]))]),
    value(6, ["module pre-release", "module", "module"], 8, &[Unwalkable]),
    value(7, ["module", "module", "module"], 8, &[Hold, ModuleOps]),
    value(9, ["hash zipmap", "hash", "zipmap"], 2, &[ZIPMAP]),
    value(10, ["list ziplist", "list", "ziplist"], 2, &[ZIPLIST]),
    value(11, ["set intset", "set", "intset"], 2, &[INTSET]),
    value(12, ["zset ziplist", "zset", "ziplist"], 2, &[ZIPLIST]),
    value(13, ["hash ziplist", "hash", "ziplist"], 4, &[ZIPLIST]),
    value(
        14,
        ["list quicklist of ziplists", "list", "quicklist"],
        7,
        &[Elements(each(&[ZIPLIST]))],
    ),
    value(15, ["stream v1", "stream", "stream"], 9, &STREAM_V1),
    value(16, ["hash listpack", "hash", "listpack"], 10, &[LISTPACK]),
    value(17, ["zset listpack", "zset", "listpack"], 10, &[LISTPACK]),
    value(18, ["list quicklist", "list", "quicklist"], 10, &[Elements(each(&[Container, Node]))]),
    value(19, ["stream v2", "stream", "stream"], 10, &STREAM_V2),
    value(20, ["set listpack", "set", "listpack"], 11, &[LISTPACK]),
    value(21, ["stream v3", "stream", "stream"], 11, &STREAM_V3),
];

const REDIS_TYPES: &[Row] = &[
    value(22, ["hash field ttl pre-release", "hash", "hashtable"], 12, &[Elements(FIELD_TTL)]),
    value(23, ["hash listpack field ttl pre-release", "hash", "listpackex"], 12, &[FIELD_LISTPACK]),
    value(24, ["hash field ttl", "hash", "hashtable"], 12, &[Fixed(8), Elements(FIELD_TTL)]),
    value(25, ["hash listpack field ttl", "hash", "listpackex"], 12, &[Fixed(8), FIELD_LISTPACK]),
    value(26, ["stream v4", "stream", "stream"], 13, &STREAM_V4),
    value(27, ["stream v5", "stream", "stream"], 14, &STREAM_V5),
    value(
        28,
        ["array", "array", "array"],
        14,
        &[Hold, Flag(&[Len]), Held(each(&[Len, ArrayElement]))],
    ),
];

/// What 29 was before hash templates came, in builds that have it.
const RATE_COUNTER_29: &[Row] =
    &[value(29, ["rate counter", "rate counter", "counter"], 14, &[Len])];
/// What it became.
const RATE_COUNTER: Row = value(33, ["rate counter", "rate counter", "counter"], 15, &[Len]);
const RATE_COUNTER_33: &[Row] = &[RATE_COUNTER];
/// The same, where 33 can be either.
pub(super) static COUNTER: Row = RATE_COUNTER;
const BITMAP_33: &[Row] =
    &[value(33, ["bitmap or rate counter", "bitmap", "roaring"], 16, &[BitmapLength, Str])];

const TEMPLATE_29: &[Row] = &[value(
    29,
    ["hash template listpack inline", "hash", "template"],
    15,
    &[TemplateNames, LISTPACK],
)];

const TEMPLATE_TYPES: &[Row] = &[
    value(30, ["hash template listpack", "hash", "template"], 15, &[LISTPACK]),
    value(
        31,
        ["hash template array inline", "hash", "template"],
        15,
        &[TemplateNames, Held(each(&[Str]))],
    ),
    value(32, ["hash template array", "hash", "template"], 15, &[TemplateValues(each(&[Str]))]),
];

const LATER_TYPES: &[Row] = &[
    value(34, ["set listpack member ttl", "set", "listpackex"], 16, &[Fixed(8), MEMBER_LISTPACK]),
    value(35, ["set member ttl", "set", "hashtable"], 16, &[Fixed(8), Elements(MEMBER_TTL)]),
];

const VALKEY_TYPES: &[Row] = &[
    value(
        22,
        ["hash field ttl", "hash", "hashtable"],
        80,
        &[Elements(each(&[Str, Str, FieldExpiry]))],
    ),
    value(
        23,
        ["path hash", "hash", "path"],
        81,
        &[Elements(each(&[Str, Loop(each(&[Str, Str]))]))],
    ),
];

const SHARED_OPCODES: &[Row] = &[
    opcode(244, "slot sizes", 12, &[Slot, Len, Len]),
    opcode(245, "function library", 10, &[Library]),
    opcode(246, "function pre-release", 10, &[Str, Str, Flag(&[Str]), Str]),
    opcode(247, "module data", 9, &[Hold, Constant(2), Len, ModuleOps]),
    prefix(248, "idle time", 9, &[Idle]),
    prefix(249, "access frequency", 9, &[Frequency]),
    opcode(250, "auxiliary field", 7, &[AuxName, AuxValue]),
    opcode(251, "database sizes", 7, &[ResizeHint]),
    prefix(252, "expiry in ms", 3, &[ExpireMs]),
    prefix(253, "expiry in s", 1, &[ExpireSeconds]),
    opcode(254, "database", 1, &[Database]),
    opcode(255, "end", 1, &[End]),
];

const REDIS_OPCODES: &[Row] = &[
    prefix(241, "kept from eviction", 16, &[]),
    opcode(242, "hash template", 15, &[Template(each(&[Str]))]),
    prefix(243, "key metadata", 13, &[Classes(each(&[MetadataClass, ModuleOps]))]),
];

const VALKEY_OPCODES: &[Row] = &[
    opcode(242, "inline update", 81, &[RespCommand(each(&[RespBulk, CrLf]))]),
    opcode(243, "slot import", 80, &[Str, Loop(each(&[Len, Len]))]),
];

/// The row of `number` in files with this header, if it has a meaning there.
pub fn row(header: Header, number: u8) -> Option<&'static Row> {
    rows(header)[usize::from(number)]
}

pub(super) const fn rows(header: Header) -> &'static Rows {
    match (header.family, header.version) {
        (Family::Redis, ..15) => &REDIS_TO_14,
        (Family::Redis, 15) => &REDIS_15,
        (Family::Redis, _) => &REDIS,
        (Family::Valkey, _) => &VALKEY,
    }
}
