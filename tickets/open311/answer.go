package open311

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// record is one element of an answer. Servers leave out, rename and wrap; what is not
// told is "". Nothing here is trusted to be there.
type record struct {
	ID          string // service_request_id
	Token       string
	UpdateID    string
	Status      string
	ServiceCode string
	ServiceType string // of a service: realtime, batch, blackbox
	Words       string // title, description and detail, whichever are told
	Requested   string // requested_datetime as written
}

// requested gives requested_datetime; told is false where there is none.
func (r record) requested() (at time.Time, told bool, err error) {
	if r.Requested == "" {
		return time.Time{}, false, nil
	}
	at, err = time.Parse(time.RFC3339, r.Requested)
	return at, true, err
}

// wrappers are the keys under which servers hide the list. "data" is GovFlow's,
// "requests" Mark-a-Spot's, the rest is the specification's XML written as JSON.
func wrappers() []string {
	return []string{
		"service_requests", "requests", "request", "services", "service",
		"service_request_updates", "request_update", "data",
	}
}

// records reads a JSON answer in any of the shapes found in the wild: a list; a list or
// one element wrapped once or twice; scalars as string, number or null; fields wrapped in
// lists of one.
func records(body []byte) ([]record, error) {
	v, err := parse(body)
	if err != nil {
		return nil, err
	}
	return unwrap(v, 0)
}

func unwrap(v any, depth int) ([]record, error) {
	if depth > 4 {
		return nil, errors.New("answer is wrapped too deep")
	}
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []any:
		var all []record
		for _, e := range v {
			m, ok := e.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("answer lists %s where objects are expected", shape(e))
			}
			all = append(all, toRecord(m))
		}
		return all, nil
	case map[string]any:
		for _, key := range wrappers() {
			if inside, ok := v[key]; ok && !isScalar(inside) {
				return unwrap(inside, depth+1)
			}
		}
		if len(v) == 0 {
			return nil, nil
		}
		return []record{toRecord(v)}, nil
	}
	return nil, fmt.Errorf("answer is %s where a list is expected", shape(v))
}

func toRecord(m map[string]any) record {
	return record{
		ID:          scalar(m["service_request_id"]),
		Token:       scalar(m["token"]),
		UpdateID:    scalar(m["update_id"]),
		Status:      strings.ToLower(scalar(m["status"])),
		ServiceCode: scalar(m["service_code"]),
		ServiceType: strings.ToLower(scalar(m["type"])),
		Words:       scalar(m["title"]) + "\n" + scalar(m["description"]) + "\n" + scalar(m["detail"]),
		Requested:   scalar(m["requested_datetime"]),
	}
}

// scalar gives a string, number or truth value as text, out of a list of one if need be.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		if v == "null" { // XML turned into JSON
			return ""
		}
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	case []any:
		if len(v) == 1 && isScalar(v[0]) {
			return scalar(v[0])
		}
	}
	return ""
}

func isScalar(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return false
	}
	return true
}

func shape(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	case string:
		return "a text"
	}
	return "a value"
}

// parse reads one JSON value and keeps numbers as they are written: an id may be longer
// than a float64 is exact.
func parse(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("answer is not JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("answer is not JSON: there is more after its end")
	}
	return v, nil
}

// serverText gathers what a server says about an error, whichever of the shapes it uses:
// lists of code and description, an object under "errors" or "error", "message",
// "error_messages", or plain text. "" where nothing of the kind is found, as in HTML.
func serverText(body []byte) string {
	v, err := parse(body)
	if err == nil {
		return clip(strings.Join(gather(v, 0), "; "), 300)
	}
	plain := strings.Join(strings.Fields(string(body[:min(len(body), 2000)])), " ")
	if strings.HasPrefix(plain, "<") || strings.HasPrefix(plain, "[") || strings.HasPrefix(plain, "{") {
		return ""
	}
	return clip(plain, 300)
}

func gather(v any, depth int) []string {
	if depth > 4 {
		return nil
	}
	var all []string
	switch v := v.(type) {
	case []any:
		for _, e := range v[:min(len(v), 20)] {
			all = append(all, gather(e, depth+1)...)
		}
	case map[string]any:
		for _, key := range []string{"description", "message"} {
			if s := scalar(v[key]); s != "" {
				all = append(all, strings.Join(strings.Fields(s), " "))
			}
		}
		for _, key := range []string{"errors", "error", "error_messages"} {
			if s := scalar(v[key]); s != "" {
				all = append(all, s)
			} else {
				all = append(all, gather(v[key], depth+1)...)
			}
		}
	}
	return all
}

// keyRefused tells whether an error body names code 401 or 403.
func keyRefused(body []byte) bool {
	v, err := parse(body)
	return err == nil && hasCode(v, 0)
}

func hasCode(v any, depth int) bool {
	if depth > 4 {
		return false
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v[:min(len(v), 20)] {
			if hasCode(e, depth+1) {
				return true
			}
		}
	case map[string]any:
		if code := scalar(v["code"]); code == "401" || code == "403" {
			return true
		}
		for _, key := range []string{"errors", "error", "error_messages"} {
			if hasCode(v[key], depth+1) {
				return true
			}
		}
	}
	return false
}
