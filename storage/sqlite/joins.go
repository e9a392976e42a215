package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/register"
)

// JoinState gives what a device's joins have used up; of one that never joined the zero state.
func (r *reader) JoinState(ctx context.Context, devEUI city.EUI) (register.JoinState, error) {
	var st register.JoinState
	var nonces []byte
	var addr string
	var joined sql.NullInt64
	err := r.read.QueryRowContext(ctx, `SELECT join_nonce, next_dev_nonce, dev_nonces, next_rjcount1, rejoin, dev_addr, joined FROM joins WHERE dev_eui = ?`, devEUI.String()).
		Scan(&st.JoinNonce, &st.NextDevNonce, &nonces, &st.NextRJCount1, &st.Rejoin, &addr, &joined)
	if errors.Is(err, sql.ErrNoRows) {
		return register.JoinState{}, nil
	}
	if err == nil {
		st.DevAddr, err = lorawan.ParseDevAddr(addr)
	}
	if err != nil {
		return register.JoinState{}, fmt.Errorf("joins of %s: %w", devEUI, err)
	}
	st.Joined = fromNanos(joined)
	for ; len(nonces) >= 2; nonces = nonces[2:] {
		st.DevNonces = append(st.DevNonces, binary.BigEndian.Uint16(nonces))
	}
	return st, nil
}

// PutJoin keeps what a device was granted, with the session's key unless that is nil. It is
// durable on return. base is the revision of the device that the join was granted by; the
// error is register.ErrChanged, and nothing is kept, where the device has another, or has
// joined meanwhile: the new JoinNonce must be the next one. Of a device that the register
// has not it is register.ErrUnknown.
func (s *Store) PutJoin(_ context.Context, devEUI city.EUI, base int64, st register.JoinState, key *register.SessionKey) error {
	dev := devEUI.String()
	err := s.inTx(func(ctx context.Context) error {
		var revision, nonce int64
		err := s.conn.QueryRowContext(ctx, `SELECT revision, coalesce((SELECT join_nonce FROM joins j WHERE j.dev_eui = d.dev_eui), 0) FROM devices d WHERE dev_eui = ?`, dev).
			Scan(&revision, &nonce)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return register.ErrUnknown
		case err != nil:
			return err
		case revision != base || int64(st.JoinNonce) != nonce+1:
			return register.ErrChanged
		}
		w := writer{ctx: ctx}
		nonces := make([]byte, 0, 2*len(st.DevNonces))
		for _, n := range st.DevNonces {
			nonces = binary.BigEndian.AppendUint16(nonces, n)
		}
		w.query(s.conn, `INSERT OR REPLACE INTO joins (dev_eui, join_nonce, next_dev_nonce, dev_nonces, next_rjcount1, rejoin, dev_addr, joined) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			dev, int64(st.JoinNonce), int64(st.NextDevNonce), nonces, int64(st.NextRJCount1), blob(st.Rejoin), st.DevAddr.String(), nanos(st.Joined))
		if key != nil {
			w.query(s.conn, `INSERT INTO session_keys (dev_eui, key_id, kek, wrapped, dev_addr) VALUES (?, ?, ?, ?, ?)`, dev, key.ID[:], key.KEK, key.Wrapped, key.DevAddr.String())
			w.query(s.conn, `DELETE FROM session_keys WHERE dev_eui = ?1 AND id <= (SELECT id FROM session_keys WHERE dev_eui = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`,
				dev, register.KeptSessionKeys)
		}
		return w.err
	})
	if err != nil {
		return fmt.Errorf("keep a join of %s: %w", devEUI, err)
	}
	return nil
}

// rewrapStep is how many session keys are wrapped anew in one transaction, which others wait
// for: some 10 ms.
const rewrapStep = 500

// RewrapSessionKeys wraps session keys with another key encryption key: those of from, or with
// "" all that are not wrapped with to. rewrap does it for one. A key that it fails for stays as
// it is, and the error names the first one; n is how many became others. What a crash leaves
// undone the next call does.
func (s *Store) RewrapSessionKeys(ctx context.Context, from, to string, rewrap func(from, to string, wrapped []byte) ([]byte, error)) (n int, err error) {
	type key struct {
		id      int64
		device  string
		kek     string
		wrapped []byte
	}
	var failed int
	var first error
	for last := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		some, err := all(ctx, &s.reader, "session keys", func(r row) (k key, err error) {
			return k, r.Scan(&k.id, &k.device, &k.kek, &k.wrapped)
		}, `SELECT id, dev_eui, kek, wrapped FROM session_keys WHERE id > ? AND kek <> ? AND (kek = ? OR ? = '') ORDER BY id LIMIT ?`, last, to, from, from, rewrapStep)
		if err != nil {
			return n, err
		}
		if len(some) == 0 {
			break
		}
		last = some[len(some)-1].id
		fresh := make([][]byte, len(some))
		for i := range some {
			k := &some[i]
			if fresh[i], err = rewrap(k.kek, to, k.wrapped); err == nil {
				continue
			}
			if failed++; first == nil {
				first = fmt.Errorf("device %s: %w", k.device, err)
			}
		}
		err = s.inTx(func(ctx context.Context) error {
			w := writer{ctx: ctx}
			for i := range some {
				if fresh[i] != nil {
					w.query(s.conn, `UPDATE session_keys SET kek = ?, wrapped = ? WHERE id = ?`, to, fresh[i], some[i].id)
				}
			}
			return w.err
		})
		if err != nil {
			return n, fmt.Errorf("keep session keys wrapped anew: %w", err)
		}
		for _, wrapped := range fresh {
			if wrapped != nil {
				n++
			}
		}
	}
	if failed > 0 {
		return n, fmt.Errorf("%d session keys stay as they were, the first that of %w", failed, first)
	}
	return n, nil
}

// SessionKey gives a session key of a device, register.ErrUnknown where there is none of this
// id, or none any more: see register.KeptSessionKeys.
func (r *reader) SessionKey(ctx context.Context, devEUI city.EUI, id register.SessionKeyID) (register.SessionKey, error) {
	k := register.SessionKey{ID: id}
	var addr string
	err := r.read.QueryRowContext(ctx, `SELECT kek, wrapped, dev_addr FROM session_keys WHERE dev_eui = ? AND key_id = ?`, devEUI.String(), id[:]).Scan(&k.KEK, &k.Wrapped, &addr)
	if errors.Is(err, sql.ErrNoRows) {
		err = register.ErrUnknown
	} else if err == nil {
		k.DevAddr, err = lorawan.ParseDevAddr(addr)
	}
	if err != nil {
		return register.SessionKey{}, fmt.Errorf("session key of %s: %w", devEUI, err)
	}
	return k, nil
}
