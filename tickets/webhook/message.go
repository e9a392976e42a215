package webhook

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"meldefunk/city"
)

// The types of messages. A change of their meaning is a new version.
const (
	typeOpened   = "de.meldefunk.case.opened.v1"
	typeUpdated  = "de.meldefunk.case.updated.v1"
	typeReopened = "de.meldefunk.case.reopened.v1"
	typeClosed   = "de.meldefunk.case.closed.v1"
)

// event is a CloudEvents 1.0 message in structured JSON form (cloudevents/spec 1.0.2,
// json-format.md).
type event struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`     // the idempotency key
	Source      string    `json:"source"` // a URI reference
	Type        string    `json:"type"`
	Subject     string    `json:"subject"` // the asset
	Time        time.Time `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Data        data      `json:"data"`
}

// data goes by the names of GeoReport v2 where it has one.
type data struct {
	Ref         string            `json:"ref"`
	ID          string            `json:"service_request_id,omitempty"` // the receiver's, as it gave it
	Service     string            `json:"service_code"`
	Status      string            `json:"status"` // "open" or "closed"
	Title       string            `json:"title"`
	Description string            `json:"description"`
	Notes       string            `json:"status_notes,omitempty"` // why it is closed, or what is new
	Address     string            `json:"address,omitempty"`
	Lat         *float64          `json:"lat,omitempty"`
	Long        *float64          `json:"long,omitempty"`
	Attributes  map[string]string `json:"attributes,omitempty"`
}

// news is what a message tells.
type news struct {
	sort string // its type
	key  string // within the case: the same message has the same however often it is sent
	id   string // the receiver's number; "" with an opening
	at   time.Time
	note string
}

func opened(o *city.Order) news {
	return news{sort: typeOpened, key: "create/1", at: o.Case.Opened}
}

func reopened(o *city.Order, id string) news {
	return news{sort: typeReopened, key: "reopen/1", id: id, at: o.Case.Opened}
}

func updated(o *city.Order, id, key, text string) news {
	return news{sort: typeUpdated, key: "note/" + key, id: id, at: o.At, note: text}
}

func closed(o *city.Order, id string) news {
	return news{sort: typeClosed, key: "close/1", id: id, at: o.Case.Closed, note: o.Closing}
}

// message makes the body of a message and its idempotency key.
func message(o *city.Order, n news) (key string, body []byte, err error) {
	e := event{
		SpecVersion: "1.0", Source: "/meldefunk", Subject: oneLine(o.Case.Asset), ContentType: "application/json",
		Type: n.sort, ID: o.Case.Ref + "/" + n.key, Time: n.at.UTC(),
		Data: data{
			Ref: o.Case.Ref, ID: n.id, Service: o.Case.Service, Status: "open", Notes: n.note,
			Title: o.Title, Description: o.Text, Attributes: map[string]string{},
		},
	}
	if n.sort == typeClosed {
		e.Data.Status = "closed"
	}
	if o.Asset != nil {
		e.Data.Address = oneLine(o.Asset.Address)
		if p := o.Asset.Position; p != nil {
			e.Data.Lat, e.Data.Long = &p.Lat, &p.Lon
		}
	}
	for _, a := range o.Attributes {
		e.Data.Attributes[a.Code] = a.Value
	}
	body, err = json.Marshal(e)
	return e.ID, body, err
}

// oneLine makes blanks of control characters: whoever prints a message on a terminal, or
// writes it into a log, shall not be told what to do by an asset's name.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
