package keys

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// kek is a key encryption key, as functions: see Ring.
type kek struct {
	wrap   func(k lorawan.Key) ([]byte, error)
	unwrap func(wrapped []byte) (lorawan.Key, error)
}

// Wrap wraps session keys in clear with a key encryption key. The text is a sessions file
// or has one key of 32 hex digits per line, and the result has the same form.
// Rows that are wrapped already stay as they are. It gives how many keys it wrapped, and
// every problem with its line; name is what problems call the text. No problem shows a key.
func (r *Ring) Wrap(label, name string, text []byte) (wrapped []byte, n int, err error) {
	k, ok := r.keks[label]
	if !ok {
		return nil, 0, r.noKEK(label)
	}
	if lines := strings.Fields(string(text)); len(lines) > 0 && isKey(lines[0]) {
		return wrapLines(k, name, text)
	}
	out, err := r.rewrite(name, text, func(w *row) error {
		for _, column := range keyColumns() {
			cell := w.cells[column]
			if cell == "" || len(cell) == 2*24 {
				continue
			}
			key, err := lorawan.ParseKey(cell)
			switch {
			case err != nil:
				return fmt.Errorf("%s: %s: %w", w.at, column, err)
			case w.cells[colKEK] != "" && w.cells[colKEK] != label:
				return fmt.Errorf("%s: the row is of key encryption key %.60q: wrap its keys with that one, or leave the column empty", w.at, w.cells[colKEK])
			}
			if w.cells[column], err = k.hex(key); err != nil {
				return fmt.Errorf("%s: %w", w.at, err)
			}
			n++
		}
		if w.cells[colKEK] == "" {
			w.cells[colKEK] = label
		}
		return nil
	})
	return out, n, err
}

// Rewrap unwraps the keys of the rows of one key encryption key and wraps them with another;
// the other rows stay as they are. See Wrap.
func (r *Ring) Rewrap(from, to, name string, text []byte) (wrapped []byte, n int, err error) {
	old, ok := r.keks[from]
	if !ok {
		return nil, 0, r.noKEK(from)
	}
	fresh, ok := r.keks[to]
	if !ok {
		return nil, 0, r.noKEK(to)
	}
	out, err := r.rewrite(name, text, func(w *row) error {
		if w.cells[colKEK] != from {
			return nil
		}
		if _, err := r.session(w); err != nil { // says what is wrong with the row
			return err
		}
		for _, column := range keyColumns() {
			if w.cells[column] == "" {
				continue
			}
			sealed, err := wrappedCell(column, w.cells[column])
			if err != nil {
				return fmt.Errorf("%s: %w", w.at, err)
			}
			key, err := old.unwrap(sealed)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", w.at, column, err)
			}
			if w.cells[column], err = fresh.hex(key); err != nil {
				return fmt.Errorf("%s: %w", w.at, err)
			}
			n++
		}
		w.cells[colKEK] = to
		return nil
	})
	return out, n, err
}

// rewrite has each row of a sessions file changed, makes sure that Load would take it, and
// gives the file anew.
func (r *Ring) rewrite(name string, text []byte, change func(*row) error) ([]byte, error) {
	t, errs := readTable(name, text)
	if len(errs) == 0 && len(t.rows) == 0 {
		errs = append(errs, fmt.Errorf("%s: no session stands below the header", name))
	}
	for i := range t.rows {
		w := &t.rows[i]
		err := change(w)
		if err == nil {
			_, err = r.session(w)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	t.has[colKEK] = true
	var header []string
	for _, column := range columns() {
		if t.has[column] {
			header = append(header, column)
		}
	}
	var out bytes.Buffer
	c := csv.NewWriter(&out)
	c.Comma = ';'
	lines := [][]string{header}
	for i := range t.rows {
		line := make([]string, len(header))
		for j, column := range header {
			line[j] = t.rows[i].cells[column]
		}
		lines = append(lines, line)
	}
	err := c.WriteAll(lines)
	return out.Bytes(), err
}

// wrapLines wraps keys that stand alone, one on each line.
func wrapLines(k kek, name string, text []byte) ([]byte, int, error) {
	var out bytes.Buffer
	var errs []error
	n := 0
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		key, err := lorawan.ParseKey(line)
		var sealed string
		if err == nil {
			sealed, err = k.hex(key)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", name, i+1, err))
			continue
		}
		fmt.Fprintln(&out, sealed)
		n++
	}
	if err := errors.Join(errs...); err != nil {
		return nil, 0, err
	}
	return out.Bytes(), n, nil
}

// hex gives a wrapped key as a sessions file has it.
func (k kek) hex(key lorawan.Key) (string, error) {
	sealed, err := k.wrap(key)
	return hex.EncodeToString(sealed), err
}

func (r *Ring) noKEK(label string) error {
	return fmt.Errorf("key encryption key %.60q is not configured: want one of %q, or add it to keys.keks", label, r.Labels())
}

// Labels gives the names of the key encryption keys.
func (r *Ring) Labels() []string {
	return slices.Sorted(maps.Keys(r.keks))
}

// Session is what can be shown of a session.
type Session struct {
	DevEUI  city.EUI
	DevAddr lorawan.DevAddr
	Version lorawan.Version
	KEK     string
	At      string // file:line
}

// Sessions lists the sessions in the order of the files.
func (r *Ring) Sessions() []Session {
	all := make([]Session, 0, len(r.order))
	for _, at := range r.order {
		s := &r.sessions[at.addr][at.index]
		all = append(all, Session{s.devEUI, s.addr, s.version, s.kek, s.at})
	}
	return all
}

// Reveal gives the session keys of a device in clear, those of each of its sessions. It is
// for people who compare them with the device's.
func (r *Ring) Reveal(devEUI city.EUI) ([]lorawan.Session, error) {
	var all []lorawan.Session
	for _, at := range r.order {
		s := &r.sessions[at.addr][at.index]
		if s.devEUI != devEUI {
			continue
		}
		keys, err := r.unwrapAll(s)
		if err != nil {
			return nil, err
		}
		all = append(all, keys)
	}
	return all, nil
}
