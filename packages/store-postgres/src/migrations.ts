/**
 * The tables, as numbered steps: step n takes a fleet of version n to n + 1. A step that was released is never changed. `@.` stands for the fleet's schema.
 *
 * Dates are milliseconds since the epoch; ids, serial numbers, hashes and fingerprints are octets; attributes and details are JSON, as text. Text that an index holds is compared octet by octet (`COLLATE "C"`):
 * the order of a locale may change with the system's libraries, and indexes with it.
 */
export const migrations: readonly string[] = [
  `
  -- What the data is as a whole: one row, which is made with the table. fleet_id: a fleet takes it along when it moves; newest_at: the latest date of the ledger where it came from.
  ALTER TABLE @.fleet ADD COLUMN fleet_id bytea NOT NULL DEFAULT decode(replace(gen_random_uuid()::text, '-', ''), 'hex'),
    ADD COLUMN state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'receiving', 'sealed')),
    ADD COLUMN note text NOT NULL DEFAULT '',
    ADD COLUMN newest_at bigint;

  -- Whoever changes anything holds its lock until the change is committed: see write() in sql/write.ts.
  CREATE TABLE @.writer ();

  -- newest_at: the latest date up to this entry.
  CREATE TABLE @.ledger (
    sequence bigint PRIMARY KEY,
    type text NOT NULL,
    at bigint NOT NULL,
    newest_at bigint NOT NULL,
    device_id text,
    issuer_key_id bytea,
    serial_number bytea,
    fingerprint text,
    details text
  );

  CREATE TABLE @.consumers (
    name text COLLATE "C" PRIMARY KEY,
    cursor text NOT NULL
  );

  -- newest: ordinal of the newest issued or pinned certificate, with what listings filter by.
  -- epoch: rises when the device is revoked as a whole; what was begun before is void.
  CREATE TABLE @.devices (
    device bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id text COLLATE "C" NOT NULL UNIQUE,
    epoch bigint NOT NULL DEFAULT 0,
    newest bigint,
    owner text COLLATE "C",
    role text,
    not_after bigint
  ) WITH (fillfactor = 80);
  CREATE INDEX devices_owner ON @.devices (owner, device_id) WHERE owner IS NOT NULL;

  CREATE INDEX devices_epoch ON @.devices (device_id) WHERE epoch > 0;

  -- Certificates and reservations. What changes later is in no index, and there is room on each page: a change need not touch the indexes.
  -- ordinal: in the order of creation, and of commits; an identity is not used again when rows are pruned.
  -- pairs: SHA-256 of each attribute, see certificate_attributes.
  -- revocation_order: place in crl_entries, kept when a hold is released.
  -- superseded_by: ordinal of the certificate that has superseded it.
  CREATE TABLE @.certificates (
    ordinal bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issuer_key_id bytea NOT NULL,
    serial_number bytea NOT NULL,
    role text NOT NULL,
    profile text NOT NULL,
    device bigint,
    device_id text,
    owner text COLLATE "C",
    attributes text,
    pairs bytea[],
    public_key_hash bytea NOT NULL,
    not_before bigint NOT NULL,
    not_after bigint NOT NULL,
    shard bigint NOT NULL,
    created_at bigint NOT NULL,
    epoch bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('reserved', 'abandoned', 'issued', 'pinned')),
    superseded_at bigint,
    superseded_by bigint,
    revocation_order bigint,
    revocation_date bigint,
    reason text,
    invalidity_date bigint,
    CHECK ((revocation_date IS NULL) = (reason IS NULL)),
    UNIQUE (issuer_key_id, serial_number)
  ) WITH (fillfactor = 70);
  CREATE INDEX certificates_device ON @.certificates (device, ordinal) WHERE device IS NOT NULL;
  CREATE INDEX certificates_not_after ON @.certificates (not_after);
  -- What many certificates are ended by together, each in the order of the listing.
  CREATE INDEX certificates_key ON @.certificates (public_key_hash, ordinal);
  CREATE INDEX certificates_owner ON @.certificates (owner, ordinal) WHERE owner IS NOT NULL;
  CREATE INDEX certificates_created ON @.certificates (created_at, ordinal)
    WHERE role IN ('device', 'service', 'server', 'custom');

  -- pair: SHA-256 of name and value as JSON: of one length, whatever they hold.
  CREATE TABLE @.certificate_attributes (
    pair bytea NOT NULL,
    ordinal bigint NOT NULL,
    PRIMARY KEY (pair, ordinal)
  );

  -- Of certificates that are issued or pinned.
  CREATE TABLE @.issued (
    ordinal bigint PRIMARY KEY,
    fingerprint bytea NOT NULL UNIQUE,
    der bytea NOT NULL
  );

  -- Of certificates that are reserved, with a holder, or abandoned, without.
  -- supersedes: ordinal of what an open reservation renews.
  CREATE TABLE @.pending (
    ordinal bigint PRIMARY KEY,
    tbs_certificate bytea NOT NULL,
    instance text,
    lease_until bigint,
    supersedes bigint,
    supersede_at bigint,
    CHECK ((instance IS NULL) = (lease_until IS NULL))
  ) WITH (fillfactor = 50);
  CREATE INDEX pending_reserved ON @.pending (ordinal) WHERE instance IS NOT NULL;
  CREATE INDEX pending_supersedes ON @.pending (supersedes) WHERE supersedes IS NOT NULL;

  CREATE TABLE @.blocked_keys (
    public_key_hash bytea PRIMARY KEY
  );

  -- What a token grants. spent_by: ordinal of the reservation that spent it last; where that was pruned, it is spent for good.
  CREATE TABLE @.tokens (
    hash bytea PRIMARY KEY,
    device_id text NOT NULL,
    expires_at bigint NOT NULL,
    profile text,
    owner text,
    attributes text,
    epoch bigint NOT NULL,
    spent_by bigint
  );
  CREATE INDEX tokens_expires_at ON @.tokens (expires_at);

  -- last_number: the CRL number given out last; last_change: how many revocations, releases and changes of reason there were; last_place: the last one of crl_entries.
  CREATE TABLE @.crl_scopes (
    scope bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issuer_key_id bytea NOT NULL,
    shard bigint NOT NULL,
    last_number bigint NOT NULL DEFAULT 0,
    last_change bigint NOT NULL DEFAULT 0,
    last_place bigint NOT NULL DEFAULT 0,
    UNIQUE (issuer_key_id, shard)
  ) WITH (fillfactor = 50);

  -- What CRLs are made of, side by side in the order of revocation, for the rows of certificates lie far apart.
  -- change: of the latest change; ended: the later one of not_after and the revocation's date; held_at: when the hold began that was taken back: the entry is that of a delta CRL.
  CREATE TABLE @.crl_entries (
    scope bigint NOT NULL,
    place bigint NOT NULL,
    ordinal bigint NOT NULL,
    change bigint NOT NULL,
    ended bigint NOT NULL,
    held_at bigint,
    entry bytea NOT NULL,
    PRIMARY KEY (scope, place)
  );

  -- digest: SHA-256 of the parts, each behind its length in four octets; they are those of an upload.
  CREATE TABLE @.crls (
    scope bigint NOT NULL,
    delta boolean NOT NULL,
    crl_number bigint NOT NULL,
    this_update bigint NOT NULL,
    next_update bigint NOT NULL,
    note text,
    upload bytea NOT NULL,
    parts bigint NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (scope, delta)
  );
  CREATE TABLE @.crl_parts (
    upload bytea NOT NULL,
    part bigint NOT NULL,
    der bytea NOT NULL,
    PRIMARY KEY (upload, part)
  );
  ALTER TABLE @.crl_parts ALTER COLUMN der SET STORAGE EXTERNAL;
  -- Uploads that are no CRL: not yet, or not any more.
  CREATE TABLE @.crl_uploads (
    upload bytea PRIMARY KEY,
    since timestamptz NOT NULL
  );

  CREATE TABLE @.documents (
    name text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    value bytea NOT NULL
  );

  -- holder is NULL when the lease was given back; the row stays, so that no fence is used twice.
  CREATE TABLE @.leases (
    name text COLLATE "C" PRIMARY KEY,
    holder text,
    fence bigint NOT NULL,
    until bigint NOT NULL
  ) WITH (fillfactor = 50);
  `,
]
