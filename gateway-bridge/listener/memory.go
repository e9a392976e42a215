package listener

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
)

const (
	mostSessions = 1024 // of each network server
	longestID    = 256  // bytes of a client id that is remembered
)

// memory knows which client ids had a session. Nothing else of a session is kept, because
// nothing else matters to a publisher; but one that is told that there is no session throws
// away what was not acknowledged (version 5, MQTT-3.2.2-5; rumqttc, which is in ChirpStack
// v4, does). So it must outlive this process.
type memory struct {
	file string // "": it does not

	mu    sync.Mutex
	known [][2]string // network server and client id, the one used last at the end
}

// load reads the file, if it is there.
func (m *memory) load() error {
	if m.file == "" {
		return nil
	}
	data, err := os.ReadFile(m.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, &m.known)
	}
	if err != nil {
		return fmt.Errorf("read which MQTT sessions there were, from %s: %w", m.file, err)
	}
	return nil
}

// resume tells whether a session was there already, and remembers that it is there now; a
// clean one is forgotten.
func (m *memory) resume(s session, clean bool) (present bool, err error) {
	if len(s.clientID) > longestID {
		return false, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := [2]string{s.server, s.clientID}
	i := slices.Index(m.known, key)
	if i >= 0 {
		m.known = slices.Delete(m.known, i, i+1)
	}
	switch {
	case clean && i < 0:
		return false, nil
	case !clean:
		m.known = append(m.known, key)
		m.bound(s.server)
		if i >= 0 {
			return true, nil
		}
	}
	return false, m.save()
}

// bound forgets the oldest session of a network server that has too many. Those of others
// stay: it must not make them lose messages.
func (m *memory) bound(server string) {
	oldest, n := -1, 0
	for i := range m.known {
		if m.known[i][0] != server {
			continue
		}
		if n++; n == 1 {
			oldest = i
		}
	}
	if n > mostSessions {
		m.known = slices.Delete(m.known, oldest, oldest+1)
	}
}

// save returns when the file is on the disk.
func (m *memory) save() error {
	if m.file == "" {
		return nil
	}
	data, err := json.Marshal(m.known)
	if err != nil {
		return err
	}
	beside := m.file + ".new"
	f, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(beside, m.file)
}
