package georeport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// line is one entry of the file: a request or an update, never changed afterwards.
type line struct {
	Request *Request `json:"request,omitempty"`
	Update  *Update  `json:"update,omitempty"`
}

// journal appends lines to a file; without a file it does nothing.
type journal struct {
	file *os.File
	size int64 // of the lines that are complete
}

// write appends one line and returns when it is on the disk. What a failed write left
// behind is taken away again, so that the next line does not continue it.
func (j *journal) write(l line) error {
	if j.file == nil {
		return nil
	}
	b, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("georeport: encode: %w", err)
	}
	b = append(b, '\n')
	_, err = j.file.WriteAt(b, j.size)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("georeport: write: %w", err), j.file.Truncate(j.size))
	}
	j.size += int64(len(b))
	return nil
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	f := j.file
	j.file = nil
	return f.Close()
}

// load opens the file and reads what is in it. An unfinished last line is what a crash
// leaves behind: nobody was told of it, so it is cut off. Anything else that cannot be
// read is an error.
func (s *Server) load() (err error) {
	f, err := os.OpenFile(s.cfg.Path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("georeport: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close() // the first error is the one to tell
		}
	}()
	all, err := io.ReadAll(f)
	if err != nil {
		return fmt.Errorf("georeport: %w", err)
	}
	var size int64
	for n := 1; ; n++ {
		text, rest, whole := bytes.Cut(all[size:], []byte("\n"))
		if !whole {
			if err := f.Truncate(size); err != nil {
				return fmt.Errorf("georeport: cut off unfinished line: %w", err)
			}
			break
		}
		if err := s.replay(text); err != nil {
			return fmt.Errorf("georeport: %s:%d: %w: move the file away to start anew", s.cfg.Path, n, err)
		}
		size = int64(len(all) - len(rest))
	}
	s.journal = journal{file: f, size: size}
	return nil
}

func (s *Server) replay(text []byte) error {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return err
	}
	switch {
	case l.Request != nil && l.Request.ID == firstID+len(s.requests):
		s.requests = append(s.requests, l.Request)
	case l.Update != nil && s.byID(l.Update.Request) != nil:
		s.apply(*l.Update)
	default:
		return errors.New("neither the next request nor an update to an earlier one")
	}
	return nil
}
