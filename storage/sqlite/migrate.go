package sqlite

import (
	"context"
	"fmt"
	"slices"
)

// steps bring a file of an older version up to date; the first one starts from version 1.
// A step that was released is never changed.
var steps = []string{
	`ALTER TABLE readings ADD COLUMN raw TEXT`,
	`ALTER TABLE asset_states ADD COLUMN occupancy TEXT`,
	`ALTER TABLE frames ADD COLUMN envelope TEXT`,
	`ALTER TABLE frames ADD COLUMN claim INTEGER; ALTER TABLE frames ADD COLUMN heard TEXT;
		ALTER TABLE readings ADD COLUMN former TEXT`,
	`CREATE TABLE device_events (
		dev_eui  TEXT    NOT NULL,
		ident    INTEGER NOT NULL,
		at       INTEGER NOT NULL, -- of the last time it was told
		server   TEXT    NOT NULL,
		kind     TEXT    NOT NULL,
		severity TEXT    NOT NULL,
		code     TEXT    NOT NULL,
		detail   TEXT    NOT NULL,
		count    INTEGER NOT NULL,
		status   TEXT,             -- JSON
		position TEXT,             -- JSON
		PRIMARY KEY (dev_eui, ident)
	) STRICT, WITHOUT ROWID;
	CREATE INDEX device_events_device ON device_events (dev_eui, at);
	CREATE INDEX device_events_at ON device_events (at);

	CREATE TABLE device_news (
		dev_eui    TEXT    PRIMARY KEY,
		status     TEXT,             -- JSON, the newest
		status_at  INTEGER NOT NULL, -- 0 while there is none
		position   TEXT,             -- JSON, the newest that a network server resolved
		located_at INTEGER NOT NULL  -- 0 while there is none
	) STRICT, WITHOUT ROWID;

	CREATE TABLE broker_sessions (
		name       TEXT    PRIMARY KEY, -- broker and client id
		subscribed INTEGER NOT NULL
	) STRICT, WITHOUT ROWID;`,
	`CREATE TABLE spool_lost (
		sink TEXT NOT NULL, first_reading INTEGER NOT NULL, last_reading INTEGER NOT NULL, readings INTEGER NOT NULL,
		since INTEGER NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (sink, first_reading)) STRICT, WITHOUT ROWID`,
	`ALTER TABLE mark ADD COLUMN ruling INTEGER NOT NULL DEFAULT 0;
	ALTER TABLE mark ADD COLUMN alive INTEGER;

	ALTER TABLE asset_states RENAME TO asset_states_7;
	CREATE TABLE asset_states (
		asset      TEXT    NOT NULL, -- '' of a group
		group_name TEXT    NOT NULL, -- '' of an asset
		server     TEXT    NOT NULL,
		reading    INTEGER NOT NULL,
		judged     INTEGER NOT NULL,
		mind       BLOB,             -- what the rules remember
		cases      TEXT    NOT NULL, -- JSON: [{"rule", "ref", "since", "grade"}] of the open ones
		deadline   INTEGER,          -- when time alone may change something
		occupancy  TEXT,             -- JSON
		PRIMARY KEY (asset, group_name)
	) STRICT, WITHOUT ROWID;
	INSERT INTO asset_states SELECT asset, '', '', reading, judged, NULL,
		coalesce((SELECT json_group_array(json_object('rule', c.rule, 'ref', c.ref, 'since', c.since, 'grade', 0))
			FROM (SELECT * FROM cases ORDER BY opened) c WHERE c.asset = a.asset AND c.closed IS NULL), '[]'), NULL, occupancy FROM asset_states_7 a;
	DROP TABLE asset_states_7;

	ALTER TABLE cases ADD COLUMN group_name TEXT NOT NULL DEFAULT '';
	ALTER TABLE cases ADD COLUMN members TEXT NOT NULL DEFAULT '';
	ALTER TABLE cases ADD COLUMN grade INTEGER NOT NULL DEFAULT 0;
	ALTER TABLE cases ADD COLUMN released INTEGER;
	ALTER TABLE cases ADD COLUMN revoked INTEGER NOT NULL DEFAULT 0;
	DROP INDEX cases_open;
	CREATE UNIQUE INDEX cases_open ON cases (rule, asset, group_name) WHERE closed IS NULL;
	CREATE TABLE decisions (
		id         INTEGER PRIMARY KEY,
		case_ref   TEXT    NOT NULL, -- '' where it is about none
		rule       TEXT    NOT NULL,
		version    TEXT    NOT NULL,
		asset      TEXT    NOT NULL, -- '' of a group
		group_name TEXT    NOT NULL,
		at         INTEGER NOT NULL, -- event time
		decided    INTEGER NOT NULL,
		change     TEXT    NOT NULL,
		record     TEXT    NOT NULL  -- JSON
	) STRICT;
	CREATE INDEX decisions_case ON decisions (case_ref, id) WHERE case_ref <> '';
	CREATE INDEX decisions_asset ON decisions (asset, group_name, id);
	
	CREATE TABLE deaf (
		server TEXT    NOT NULL,
		since  INTEGER NOT NULL,
		until  INTEGER NOT NULL,
		PRIMARY KEY (server, since)
	) STRICT, WITHOUT ROWID;`,
	`ALTER TABLE readings ADD COLUMN gateway INTEGER;
	CREATE TABLE gateways (
		id   INTEGER PRIMARY KEY,
		name TEXT    NOT NULL UNIQUE
	) STRICT;`,
	`ALTER TABLE cases ADD COLUMN follows TEXT NOT NULL DEFAULT '';
	CREATE INDEX cases_matter ON cases (asset, group_name, rule, opened);
	CREATE INDEX cases_service ON cases (service, opened, ref);
	CREATE INDEX cases_rule ON cases (rule, opened, ref);

	ALTER TABLE tickets ADD COLUMN closed_by TEXT NOT NULL DEFAULT '';
	ALTER TABLE tickets ADD COLUMN system TEXT NOT NULL DEFAULT '';
	ALTER TABLE tickets ADD COLUMN unit TEXT NOT NULL DEFAULT '';
	ALTER TABLE tickets ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
	ALTER TABLE tickets ADD COLUMN acknowledged TEXT NOT NULL DEFAULT '';
	ALTER TABLE tickets ADD COLUMN hold TEXT NOT NULL DEFAULT '';
	ALTER TABLE tickets ADD COLUMN hold_until INTEGER;
	ALTER TABLE tickets ADD COLUMN follows TEXT NOT NULL DEFAULT '';
	ALTER TABLE tickets ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
	ALTER TABLE tickets ADD COLUMN told_members TEXT NOT NULL DEFAULT '';
	ALTER TABLE tickets ADD COLUMN noted INTEGER;
	ALTER TABLE tickets ADD COLUMN escalated INTEGER;
	ALTER TABLE tickets ADD COLUMN remote TEXT;
	ALTER TABLE tickets ADD COLUMN checked INTEGER NOT NULL DEFAULT 0;
	ALTER TABLE tickets ADD COLUMN missing INTEGER NOT NULL DEFAULT 0;
	ALTER TABLE tickets ADD COLUMN missing_since INTEGER;
	ALTER TABLE tickets ADD COLUMN opened INTEGER NOT NULL DEFAULT 0;
	ALTER TABLE tickets ADD COLUMN due INTEGER;
	ALTER TABLE tickets ADD COLUMN live INTEGER NOT NULL DEFAULT 1;
	UPDATE tickets SET closed_by = CASE state WHEN 'closed' THEN 'us' ELSE '' END,
		opened = coalesce((SELECT opened FROM cases c WHERE c.ref = tickets.ref), 0),
		told = coalesce((SELECT grade FROM cases c WHERE c.ref = tickets.ref), 0),
		told_members = coalesce((SELECT members FROM cases c WHERE c.ref = tickets.ref), '');
	DROP INDEX tickets_state;
	CREATE INDEX tickets_state ON tickets (state, opened, ref);
	CREATE INDEX tickets_wished ON tickets (system, opened, ref) WHERE due = 0;
	CREATE INDEX tickets_due ON tickets (system, opened, ref, due) WHERE due > 0;
	CREATE INDEX tickets_unrouted ON tickets (opened, ref) WHERE system = '' AND (due = 0 OR state NOT IN ('held', 'closed', 'cancelled'));
	CREATE INDEX tickets_watched ON tickets (system, checked, ref) WHERE external_id <> '' AND state IN ('open', 'acknowledged', 'closing', 'cleared');
	CREATE INDEX tickets_unacknowledged ON tickets (system, opened, ref) WHERE state = 'open' AND escalated IS NULL;
	CREATE INDEX tickets_opened ON tickets (opened, ref, state, system);
	CREATE INDEX tickets_live ON tickets (opened, ref, state, system) WHERE live = 1;

	ALTER TABLE ticket_log ADD COLUMN who TEXT NOT NULL DEFAULT '';
	CREATE INDEX ticket_log_ref ON ticket_log (ref, id);

	CREATE TABLE wishes (
		id      INTEGER PRIMARY KEY,
		ref     TEXT    NOT NULL,
		at      INTEGER NOT NULL,
		who     TEXT    NOT NULL,
		kind    TEXT    NOT NULL,
		reason  TEXT    NOT NULL,
		until   INTEGER,
		number  TEXT    NOT NULL,
		granted INTEGER -- or refused; NULL: not yet
	) STRICT;
	CREATE INDEX wishes_open ON wishes (ref, id) WHERE granted IS NULL;

	CREATE TABLE mutes (
		id        INTEGER PRIMARY KEY,
		service   TEXT    NOT NULL,
		asset     TEXT    NOT NULL,
		tour      TEXT    NOT NULL,
		district  TEXT    NOT NULL,
		since     INTEGER NOT NULL,
		until     INTEGER, -- NULL: until it is lifted
		who       TEXT    NOT NULL,
		reason    TEXT    NOT NULL,
		lifted    INTEGER,
		lifted_by TEXT    NOT NULL DEFAULT ''
	) STRICT;

	CREATE TABLE ticket_polls (
		system TEXT    PRIMARY KEY,
		polled INTEGER NOT NULL
	) STRICT, WITHOUT ROWID;`,
	`-- The register: devices, assets and what hung where; see docs/adr/0016.
	CREATE TABLE register (
		id       INTEGER PRIMARY KEY CHECK (id = 1),
		revision INTEGER NOT NULL -- rises with each change
	) STRICT;
	INSERT INTO register VALUES (1, 0);

	CREATE TABLE devices (
		dev_eui  TEXT    PRIMARY KEY,
		model    TEXT    NOT NULL,
		asset    TEXT    NOT NULL, -- '' is nowhere
		server   TEXT    NOT NULL,
		firmware TEXT    NOT NULL,
		state    TEXT    NOT NULL,
		join_eui TEXT    NOT NULL,
		serial   TEXT    NOT NULL,
		version  TEXT    NOT NULL,
		region   TEXT    NOT NULL,
		class    TEXT    NOT NULL,
		profile  TEXT    NOT NULL,
		period   INTEGER NOT NULL, -- ns between uplinks, 0: not told
		owner    TEXT    NOT NULL,
		note     TEXT    NOT NULL,
		kek      TEXT    NOT NULL, -- label of the key that wraps the root keys
		nwk_key  BLOB,             -- wrapped
		app_key  BLOB,             -- wrapped
		revision INTEGER NOT NULL,
		changed  INTEGER NOT NULL
	) STRICT, WITHOUT ROWID;

	CREATE TABLE assets (
		id        TEXT    PRIMARY KEY,
		kind      TEXT    NOT NULL,
		name      TEXT    NOT NULL,
		address   TEXT    NOT NULL,
		lat       REAL,
		lon       REAL,
		district  TEXT    NOT NULL,
		tour      TEXT    NOT NULL,
		owner     TEXT    NOT NULL,
		species   TEXT    NOT NULL,
		soil_type TEXT    NOT NULL,
		bin       TEXT,             -- JSON
		soil      TEXT,             -- JSON
		level     TEXT,             -- JSON
		offsets   TEXT,             -- JSON object, quantity: number
		sets      TEXT    NOT NULL, -- JSON array: groups that people name
		photos    TEXT    NOT NULL, -- JSON array
		note      TEXT    NOT NULL,
		revision  INTEGER NOT NULL,
		changed   INTEGER NOT NULL
	) STRICT, WITHOUT ROWID;

	CREATE TABLE bindings (
		dev_eui TEXT    NOT NULL,
		since   INTEGER NOT NULL,
		until   INTEGER, -- NULL: it still hangs there
		asset   TEXT    NOT NULL,
		PRIMARY KEY (dev_eui, since)
	) STRICT, WITHOUT ROWID;
	CREATE INDEX bindings_asset ON bindings (asset, since);

	-- Who changed what of the register.
	CREATE TABLE audit (
		id      INTEGER PRIMARY KEY,
		at      INTEGER NOT NULL,
		who     TEXT    NOT NULL,
		reason  TEXT    NOT NULL,
		origin  TEXT    NOT NULL,
		action  TEXT    NOT NULL,
		dev_eui TEXT    NOT NULL, -- '' where it is about an asset
		asset   TEXT    NOT NULL,
		facts   TEXT    NOT NULL  -- JSON: [{"field", "was", "is"}]
	) STRICT;
	CREATE INDEX audit_device ON audit (dev_eui, id) WHERE dev_eui <> '';
	CREATE INDEX audit_asset ON audit (asset, id) WHERE asset <> '';

	-- What network servers were told of devices.
	CREATE TABLE registrations (
		dev_eui TEXT    NOT NULL,
		server  TEXT    NOT NULL,
		digest  TEXT    NOT NULL, -- '': nothing
		told    INTEGER,
		failure TEXT    NOT NULL, -- '': the last attempt went well
		tried   INTEGER,
		PRIMARY KEY (dev_eui, server)
	) STRICT, WITHOUT ROWID;

	-- What joins at our own join server have used up.
	CREATE TABLE joins (
		dev_eui        TEXT    PRIMARY KEY,
		join_nonce     INTEGER NOT NULL,
		next_dev_nonce INTEGER NOT NULL,
		dev_nonces     BLOB    NOT NULL, -- 2 bytes each, big endian, the newest at the end
		next_rjcount1  INTEGER NOT NULL,
		rejoin         BLOB,
		dev_addr       TEXT    NOT NULL,
		joined         INTEGER
	) STRICT, WITHOUT ROWID;

	CREATE TABLE session_keys (
		id       INTEGER PRIMARY KEY,
		dev_eui  TEXT    NOT NULL,
		key_id   BLOB    NOT NULL,
		kek      TEXT    NOT NULL, -- label of the key that wraps it
		wrapped  BLOB    NOT NULL,
		dev_addr TEXT    NOT NULL
	) STRICT;
	CREATE UNIQUE INDEX session_keys_device ON session_keys (dev_eui, key_id);

	-- Readings that are deleted and that nothing takes the place of: who copies them looks here.
	CREATE TABLE withdrawn (
		id      INTEGER PRIMARY KEY, -- among those of readings
		dev_eui TEXT    NOT NULL,
		time    INTEGER NOT NULL
	) STRICT;`,
	`-- What people say they did at assets.
	CREATE TABLE visits (
		id           INTEGER PRIMARY KEY,
		at           INTEGER NOT NULL,
		asset        TEXT    NOT NULL,
		tour         TEXT    NOT NULL,
		who          TEXT    NOT NULL,
		outcome      TEXT    NOT NULL,
		note         TEXT    NOT NULL,
		withdrawn    INTEGER, -- NULL: it holds
		withdrawn_by TEXT    NOT NULL
	) STRICT;
	CREATE INDEX visits_asset ON visits (asset, at);
	CREATE INDEX visits_tour ON visits (tour, at);`,
}

// schemaVersion is that of schema.sql. A file keeps its own in PRAGMA user_version.
func schemaVersion() int { return 1 + len(steps) }

// migrate makes the tables in an empty file, brings an older file up to date, whole or not
// at all, and refuses a file that is newer than this program.
func (s *Store) migrate(ctx context.Context) error {
	var version int
	if err := s.conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version == schemaVersion() {
		return nil
	}
	if version < 0 || version > schemaVersion() {
		return newerSchema(version)
	}
	todo := []string{schema}
	if version > 0 {
		todo = slices.Concat(steps[version-1:], []string{followAll})
		s.log.Info().Int("from", version).Int("to", schemaVersion()).Msg("bringing the database up to date")
	}
	return s.inTx(func(ctx context.Context) error {
		for _, step := range append(todo[:len(todo):len(todo)], fmt.Sprintf("PRAGMA user_version = %d", schemaVersion())) {
			if _, err := s.conn.ExecContext(ctx, step); err != nil {
				return fmt.Errorf("from schema %d to %d: %w", version, schemaVersion(), err)
			}
		}
		return nil
	})
}

func newerSchema(version int) error {
	return fmt.Errorf("written by a newer version of meldefunk: schema %d, this one knows up to %d; use that version, or go back to a backup", version, schemaVersion())
}
