/**
 * The schema, as numbered steps: step n takes a database of `user_version` n to n + 1. A step that was released is never changed.
 * Dates are milliseconds since the epoch; ids, serial numbers, hashes and fingerprints are octets.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE ledger (
    sequence INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    at INTEGER NOT NULL,
    device_id TEXT,
    issuer_key_id BLOB,
    serial_number BLOB,
    fingerprint TEXT,
    details TEXT
  ) STRICT;
  CREATE INDEX ledger_at ON ledger (at);

  CREATE TABLE consumers (
    name TEXT PRIMARY KEY,
    cursor TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- newest: ordinal of the newest issued or pinned certificate, with what listings filter by.
  -- device: what the rows of a device refer to it by. Numbers of new devices lie side by side in an index, device ids anywhere.
  CREATE TABLE devices (
    device INTEGER PRIMARY KEY,
    device_id TEXT NOT NULL UNIQUE,
    epoch INTEGER NOT NULL DEFAULT 0,
    newest INTEGER,
    owner TEXT,
    role TEXT,
    not_after INTEGER
  ) STRICT;
  CREATE INDEX devices_owner ON devices (owner, device_id) WHERE owner IS NOT NULL;

  -- AUTOINCREMENT: an ordinal is a cursor, so it is not used again when rows are pruned.
  -- revocation_order: given at the first revocation and kept when a hold is released, so that nothing moves in a listing.
  -- supersedes: ordinal of what an open reservation renews.
  CREATE TABLE certificates (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    issuer_key_id BLOB NOT NULL,
    serial_number BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('reserved', 'abandoned', 'issued', 'pinned')),
    role TEXT NOT NULL,
    profile TEXT NOT NULL,
    device INTEGER REFERENCES devices (device),
    device_id TEXT,
    owner TEXT,
    attributes TEXT,
    public_key_hash BLOB NOT NULL,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    der BLOB,
    fingerprint BLOB,
    tbs_certificate BLOB,
    instance TEXT,
    lease_until INTEGER,
    epoch INTEGER NOT NULL DEFAULT 0,
    supersedes INTEGER,
    supersede_at INTEGER,
    superseded_at INTEGER,
    revocation_order INTEGER,
    revocation_date INTEGER,
    reason TEXT,
    invalidity_date INTEGER,
    CHECK ((state IN ('issued', 'pinned')) = (der IS NOT NULL)),
    CHECK ((der IS NULL) = (fingerprint IS NULL)),
    CHECK ((revocation_date IS NULL) = (reason IS NULL))
  ) STRICT;
  CREATE UNIQUE INDEX certificates_id ON certificates (issuer_key_id, serial_number);
  CREATE UNIQUE INDEX certificates_fingerprint ON certificates (fingerprint) WHERE fingerprint IS NOT NULL;
  CREATE INDEX certificates_device ON certificates (device, ordinal) WHERE device IS NOT NULL;
  CREATE INDEX certificates_not_after ON certificates (not_after);
  -- Open reservations are as many as certificates are being made at this moment, so whatever picks some of them reads all.
  CREATE INDEX certificates_pending ON certificates (state) WHERE fingerprint IS NULL;
  CREATE INDEX certificates_supersedes ON certificates (supersedes) WHERE supersedes IS NOT NULL;
  CREATE INDEX certificates_revoked ON certificates (issuer_key_id, shard, revocation_order)
    WHERE revocation_order IS NOT NULL;

  CREATE TABLE blocked_keys (
    public_key_hash BLOB PRIMARY KEY
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE tokens (
    hash BLOB PRIMARY KEY,
    device_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    spent INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tokens_expires_at ON tokens (expires_at);

  -- last_number: what was given out last; crl_number: of the current CRL.
  CREATE TABLE crls (
    crl INTEGER PRIMARY KEY,
    issuer_key_id BLOB NOT NULL,
    shard INTEGER NOT NULL,
    last_number INTEGER NOT NULL DEFAULT 0,
    crl_number INTEGER,
    this_update INTEGER,
    next_update INTEGER,
    UNIQUE (issuer_key_id, shard)
  ) STRICT;
  CREATE TABLE crl_parts (
    crl INTEGER NOT NULL REFERENCES crls (crl) ON DELETE CASCADE,
    part INTEGER NOT NULL,
    der BLOB NOT NULL,
    UNIQUE (crl, part)
  ) STRICT;

  CREATE TABLE documents (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    value BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- holder is NULL when the lease was given back; the row stays, so that no fence is used twice.
  CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT,
    fence INTEGER NOT NULL,
    until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
]
