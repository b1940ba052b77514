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
  `
  -- What many certificates are ended by together. The ordinal is the last column of every index.
  CREATE INDEX certificates_key ON certificates (public_key_hash);
  CREATE INDEX certificates_owner ON certificates (owner) WHERE owner IS NOT NULL;
  CREATE INDEX certificates_created ON certificates (created_at);

  -- The pairs of certificates.attributes, by the two triggers.
  CREATE TABLE certificate_attributes (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    PRIMARY KEY (name, value, ordinal)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO certificate_attributes
    SELECT pair.key, pair.value, c.ordinal FROM certificates c, json_each(c.attributes) pair
    WHERE c.attributes IS NOT NULL;
  CREATE TRIGGER attributes_inserted AFTER INSERT ON certificates WHEN NEW.attributes IS NOT NULL BEGIN
    INSERT INTO certificate_attributes SELECT pair.key, pair.value, NEW.ordinal FROM json_each(NEW.attributes) pair;
  END;
  CREATE TRIGGER attributes_deleted AFTER DELETE ON certificates WHEN OLD.attributes IS NOT NULL BEGIN
    DELETE FROM certificate_attributes
    WHERE ordinal = OLD.ordinal AND (name, value) IN (SELECT pair.key, pair.value FROM json_each(OLD.attributes) pair);
  END;
  `,
  `
  -- A scope and its CRLs. last_number: what was given out last; last_change: how many revocations, releases and changes of reason there were.
  ALTER TABLE crls RENAME TO crl_scopes;
  ALTER TABLE crl_scopes RENAME COLUMN crl TO scope;
  ALTER TABLE crl_scopes ADD COLUMN last_change INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE crls (
    scope INTEGER NOT NULL REFERENCES crl_scopes (scope),
    delta INTEGER NOT NULL CHECK (delta IN (0, 1)),
    crl_number INTEGER NOT NULL,
    this_update INTEGER NOT NULL,
    next_update INTEGER NOT NULL,
    note TEXT,
    PRIMARY KEY (scope, delta)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO crls SELECT scope, 0, crl_number, this_update, next_update, NULL FROM crl_scopes WHERE crl_number IS NOT NULL;
  ALTER TABLE crl_parts RENAME TO former_crl_parts;
  CREATE TABLE crl_parts (
    scope INTEGER NOT NULL REFERENCES crl_scopes (scope),
    delta INTEGER NOT NULL,
    part INTEGER NOT NULL,
    der BLOB NOT NULL,
    UNIQUE (scope, delta, part)
  ) STRICT;
  INSERT INTO crl_parts SELECT crl, 0, part, der FROM former_crl_parts ORDER BY crl, part;
  DROP TABLE former_crl_parts;
  ALTER TABLE crl_scopes DROP COLUMN crl_number;
  ALTER TABLE crl_scopes DROP COLUMN this_update;
  ALTER TABLE crl_scopes DROP COLUMN next_update;

  -- What CRLs are made of, side by side in the order of revocation, for the rows of certificates lie far apart. By the two triggers, whatever revokes.
  -- change_order: of the latest change; ended: the later one of not_after and revocation_date; released: the entry is that of a delta CRL.
  CREATE TABLE crl_entries (
    scope INTEGER NOT NULL,
    revocation_order INTEGER NOT NULL,
    change_order INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    released INTEGER NOT NULL,
    entry BLOB NOT NULL,
    PRIMARY KEY (scope, revocation_order)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER crl_entries_changed AFTER UPDATE OF revocation_date, reason, invalidity_date ON certificates
  WHEN NEW.revocation_order IS NOT NULL AND coalesce(NEW.revocation_date, OLD.revocation_date) IS NOT NULL BEGIN
    INSERT INTO crl_scopes (issuer_key_id, shard, last_change) VALUES (NEW.issuer_key_id, NEW.shard, 1)
      ON CONFLICT (issuer_key_id, shard) DO UPDATE SET last_change = last_change + 1;
    -- RFC 5280 section 5.1.2.6, in hexadecimal from the inside out: every length is below 128.
    INSERT OR REPLACE INTO crl_entries
      SELECT s.scope, NEW.revocation_order, s.last_change,
        max(NEW.not_after, coalesce(NEW.revocation_date, OLD.revocation_date)), NEW.revocation_date IS NULL,
        unhex('30' || printf('%02X', length(e.content) / 2) || e.content)
      FROM crl_scopes s, (
        SELECT '02' || printf('%02X', length(n.number) / 2) || n.number
          || CASE WHEN t.date < '2050' THEN '170D' || hex(substr(t.date, 3)) ELSE '180F' || hex(t.date) END
          || CASE x.extensions WHEN '' THEN '' ELSE '30' || printf('%02X', length(x.extensions) / 2) || x.extensions END
          AS content
        FROM (
          SELECT CASE WHEN m.magnitude >= '8' THEN '00' || m.magnitude ELSE m.magnitude END AS number
          FROM (
            SELECT CASE length(d.digits) % 2 WHEN 1 THEN '0' || d.digits
              ELSE CASE d.digits WHEN '' THEN '00' ELSE d.digits END END AS magnitude
            FROM (SELECT ltrim(hex(NEW.serial_number), '0') AS digits) d
          ) m
        ) n, (
          SELECT strftime('%Y%m%d%H%M%SZ', coalesce(NEW.revocation_date, OLD.revocation_date) / 1000, 'unixepoch') AS date
        ) t, (
          SELECT
            CASE coalesce(NEW.reason, 'removeFromCRL') WHEN 'unspecified' THEN '' ELSE '300A0603551D1504030A01'
              || CASE coalesce(NEW.reason, 'removeFromCRL')
                WHEN 'keyCompromise' THEN '01' WHEN 'cACompromise' THEN '02' WHEN 'affiliationChanged' THEN '03'
                WHEN 'superseded' THEN '04' WHEN 'cessationOfOperation' THEN '05' WHEN 'certificateHold' THEN '06'
                WHEN 'removeFromCRL' THEN '08' WHEN 'privilegeWithdrawn' THEN '09' WHEN 'aACompromise' THEN '0A' END
            END
            || CASE WHEN NEW.invalidity_date IS NULL THEN '' ELSE '30180603551D180411180F'
              || hex(strftime('%Y%m%d%H%M%SZ', NEW.invalidity_date / 1000, 'unixepoch')) END
            AS extensions
        ) x
      ) e
      WHERE s.issuer_key_id = NEW.issuer_key_id AND s.shard = NEW.shard;
  END;
  CREATE TRIGGER crl_entries_deleted AFTER DELETE ON certificates WHEN OLD.revocation_order IS NOT NULL BEGIN
    DELETE FROM crl_entries
    WHERE scope = (SELECT scope FROM crl_scopes WHERE issuer_key_id = OLD.issuer_key_id AND shard = OLD.shard)
      AND revocation_order = OLD.revocation_order;
  END;
  UPDATE certificates SET revocation_date = revocation_date WHERE revocation_order IS NOT NULL;
  `,
  `
  -- superseded_by: ordinal of the certificate that has superseded it.
  ALTER TABLE certificates ADD COLUMN superseded_by INTEGER;

  -- What a token grants. spent_by: ordinal of the reservation that spent it last; with spent 1 and none, it is spent for good.
  ALTER TABLE tokens ADD COLUMN profile TEXT;
  ALTER TABLE tokens ADD COLUMN owner TEXT;
  ALTER TABLE tokens ADD COLUMN attributes TEXT;
  ALTER TABLE tokens ADD COLUMN spent_by INTEGER;
  `,
  `
  -- What the data is as a whole. id: random, a fleet takes it along when it moves; newest_at: the latest date of the ledger where it came from.
  CREATE TABLE fleet (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'receiving', 'sealed')),
    note TEXT NOT NULL DEFAULT '',
    newest_at INTEGER
  ) STRICT;
  INSERT INTO fleet (one, id) VALUES (1, randomblob(16));

  -- last_place: revocation_order that was given out last. Kept, so that no place is given twice when its certificate was dropped.
  ALTER TABLE crl_scopes ADD COLUMN last_place INTEGER NOT NULL DEFAULT 0;
  UPDATE crl_scopes SET last_place = coalesce((
    SELECT max(c.revocation_order) FROM certificates c
    WHERE c.issuer_key_id = crl_scopes.issuer_key_id AND c.shard = crl_scopes.shard AND c.revocation_order IS NOT NULL), 0);
  CREATE TRIGGER places_given AFTER UPDATE OF revocation_order ON certificates
  WHEN OLD.revocation_order IS NULL AND NEW.revocation_order IS NOT NULL BEGIN
    INSERT INTO crl_scopes (issuer_key_id, shard, last_place) VALUES (NEW.issuer_key_id, NEW.shard, NEW.revocation_order)
      ON CONFLICT (issuer_key_id, shard) DO UPDATE SET last_place = excluded.last_place;
  END;
  `,
]
