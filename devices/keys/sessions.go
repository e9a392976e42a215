package keys

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// Bounds on what files of sessions may have.
const (
	maxSessionsFile = 64 << 20 // bytes
	maxSessions     = 500_000  // of all files: about 200 bytes of memory each
	maxProblems     = 20       // told of one file
)

// session is one line of a sessions file. Its keys are wrapped: in clear they exist only
// while a frame is opened.
type session struct {
	devEUI   city.EUI
	addr     lorawan.DevAddr
	version  lorawan.Version
	kek      string
	fNwkSInt []byte // 1.0: the NwkSKey
	sNwkSInt []byte // 1.0: nil, it is the same
	app      []byte
	last     uint32 // the counter that was the newest when the line was written
	resets   bool   // the device may count anew in the middle of the session
	token    string
	at       string // file:line
}

// place is where in Ring.sessions a session is.
type place struct {
	addr  lorawan.DevAddr
	index int
}

// loadSessions reads the files and makes sure that every key opens.
func (r *Ring) loadSessions(files []string) error {
	r.sessions = make(map[lorawan.DevAddr][]session)
	where := map[string]string{}
	var errs []error
	n := 0
	for _, file := range files {
		data, err := readSessions(file)
		if err != nil {
			errs = append(errs, fmt.Errorf("keys: sessions: %w", err))
			continue
		}
		t, problems := readTable(file, data)
		for i := range t.rows {
			if len(problems) >= maxProblems {
				problems = append(problems, fmt.Errorf("%s: more problems after these %d", file, maxProblems))
				break
			}
			s, err := r.session(&t.rows[i])
			if err != nil {
				problems = append(problems, err)
				continue
			}
			if first, twice := where[s.devEUI.String()+s.token]; twice {
				problems = append(problems, fmt.Errorf("%s: this session of %s stands at %s already", s.at, s.devEUI, first))
				continue
			}
			where[s.devEUI.String()+s.token] = s.at
			if n++; n > maxSessions {
				return fmt.Errorf("keys: sessions: %s: more than %d sessions", s.at, maxSessions)
			}
			r.order = append(r.order, place{s.addr, len(r.sessions[s.addr])})
			r.sessions[s.addr] = append(r.sessions[s.addr], s)
		}
		errs = append(errs, problems...)
	}
	return errors.Join(errs...)
}

func readSessions(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case info.Size() > maxSessionsFile:
		return nil, fmt.Errorf("%s has %d bytes: want at most %d", path, info.Size(), maxSessionsFile)
	}
	return os.ReadFile(path)
}

// session understands one row. Its errors show no cell that could hold a key.
func (r *Ring) session(w *row) (session, error) {
	s, err := w.session()
	if err != nil {
		return s, err
	}
	keys, err := r.unwrapAll(&s)
	if err != nil {
		return s, fmt.Errorf("%s: %w", s.at, err)
	}
	for _, k := range []lorawan.Key{keys.FNwkSIntKey, keys.SNwkSIntKey, keys.AppSKey} {
		if k.IsZero() {
			return s, fmt.Errorf("%s: a key of %s is nothing but zeros", s.at, s.devEUI)
		}
	}
	s.token = token(&keys)
	return s, nil
}

// token names a session in stored frames: the device address, and four digits that change
// with the keys, because the sessions of an ABP device that was given new keys have one
// address. A hash says nothing of the keys, and is the same under every key encryption key.
func token(keys *lorawan.Session) string {
	sum := sha256.Sum256(append(append([]byte("meldefunk session"), keys.FNwkSIntKey[:]...), keys.AppSKey[:]...))
	return keys.DevAddr.String() + "-" + hex.EncodeToString(sum[:2])
}

// unwrapAll gives a session with its keys in clear.
func (r *Ring) unwrapAll(s *session) (lorawan.Session, error) {
	out := lorawan.Session{Version: s.version, DevAddr: s.addr}
	k, ok := r.keks[s.kek]
	if !ok {
		return out, fmt.Errorf("key encryption key %.60q is not configured: add it to keys.keks", s.kek)
	}
	var errs [3]error
	out.FNwkSIntKey, errs[0] = k.unwrap(s.fNwkSInt)
	out.SNwkSIntKey = out.FNwkSIntKey
	if s.sNwkSInt != nil {
		out.SNwkSIntKey, errs[1] = k.unwrap(s.sNwkSInt)
	}
	out.AppSKey, errs[2] = k.unwrap(s.app)
	if err := errors.Join(errs[:]...); err != nil {
		return out, fmt.Errorf("a key of %s does not open with key encryption key %.60q: it was wrapped with another one, or it is damaged", s.devEUI, s.kek)
	}
	return out, nil
}
