package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// uses is when each token was used last, to the minute.
type uses struct {
	path    string // "": kept in memory only
	mu      sync.Mutex
	last    map[string]time.Time // by id
	changed bool
}

// ReadUses reads when tokens were used last, by id, from what a running platform writes each
// minute. Nothing is known without the file.
func ReadUses(path string) (map[string]time.Time, error) {
	last := map[string]time.Time{}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return last, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &last)
	}
	if err != nil {
		return nil, fmt.Errorf("when tokens were used: %s: %w (the file may be deleted)", path, err)
	}
	return last, nil
}

func readUses(path string) (*uses, error) {
	u := &uses{path: path, last: map[string]time.Time{}}
	if path == "" {
		return u, nil
	}
	var err error
	u.last, err = ReadUses(path)
	return u, err
}

func (u *uses) note(id string, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now.Sub(u.last[id]) >= time.Minute {
		u.last[id], u.changed = now.UTC().Truncate(time.Minute), true
	}
}

// save writes them, if there is something new.
func (u *uses) save() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.path == "" || !u.changed {
		return nil
	}
	text, err := json.MarshalIndent(u.last, "", "  ")
	if err == nil {
		err = writeLines(u.path, []line{{text: string(text)}})
	}
	u.changed = err != nil
	return err
}
