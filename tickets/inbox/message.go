package inbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"meldefunk/city"
)

// Type is that of the one message there is. A change of its meaning is a new version.
const Type = "de.meldefunk.ticket.status.v1"

// Bounds of what is told.
const (
	maxNumber = 200  // bytes
	maxNotes  = 4000 // characters
)

// event is a CloudEvents 1.0 message in structured JSON form (cloudevents/spec 1.0.2,
// json-format.md). Further attributes are allowed, and mean nothing here.
type event struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	ContentType string          `json:"datacontenttype"`
	Data        json.RawMessage `json:"data"`
}

// data is how a ticket stands.
type data struct {
	Ref     string        `json:"ref"`     // ours; it or ID
	ID      string        `json:"id"`      // the ticket system's number
	Status  city.Progress `json:"status"`  // one of progress
	Notes   string        `json:"notes"`   // what they say of it
	Updated time.Time     `json:"updated"` // RFC 3339; zero: not told
}

var progress = []city.Progress{city.ProgressOpen, city.ProgressWorking, city.ProgressDone, city.ProgressRejected, city.ProgressDuplicate}

// parse reads a message. Its errors are for people at the ticket system.
func parse(body []byte) (city.Remote, error) {
	var e event
	if !utf8.Valid(body) {
		return city.Remote{}, errors.New("the message is not UTF-8")
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return city.Remote{}, fmt.Errorf("the message is no CloudEvent in JSON: %w", err)
	}
	switch {
	case e.SpecVersion != "1.0":
		return city.Remote{}, fmt.Errorf(`specversion %.20q: want "1.0"`, e.SpecVersion)
	case e.ID == "" || e.Source == "":
		return city.Remote{}, errors.New("id and source: a CloudEvent has both")
	case e.Type != Type:
		return city.Remote{}, fmt.Errorf("type %.100q: want %s", e.Type, Type)
	case e.ContentType != "" && e.ContentType != "application/json":
		return city.Remote{}, fmt.Errorf("datacontenttype %.100q: want application/json", e.ContentType)
	}
	var d data
	dec := json.NewDecoder(bytes.NewReader(e.Data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); errors.Is(err, io.EOF) {
		return city.Remote{}, errors.New("data is missing")
	} else if err != nil {
		return city.Remote{}, fmt.Errorf("data: %w", err)
	}
	if err := d.check(); err != nil {
		return city.Remote{}, fmt.Errorf("data: %w", err)
	}
	return city.Remote{Ref: d.Ref, ID: d.ID, Progress: d.Status, Notes: d.Notes, Updated: d.Updated}, nil
}

func (d *data) check() error {
	odd := func(s string) bool { return len(s) > maxNumber || strings.ContainsFunc(s, unicode.IsControl) }
	switch {
	case d.Ref == "" && d.ID == "":
		return errors.New("neither ref nor id: which ticket is it?")
	case odd(d.Ref), odd(d.ID):
		return fmt.Errorf("ref or id has more than %d bytes, or control characters", maxNumber)
	case !slices.Contains(progress, d.Status):
		return fmt.Errorf("status %.40q: want one of %v", d.Status, progress)
	case utf8.RuneCountInString(d.Notes) > maxNotes:
		return fmt.Errorf("notes of more than %d characters", maxNotes)
	}
	return nil
}
