package mail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"meldefunk/city"
)

// letter is what one e-mail says, and where in a thread it stands.
type letter struct {
	word    string // what it is about, in the subject
	text    string
	at      time.Time
	part    string // of the Message-ID: the same letter has the same however often it is sent
	answers string // ref of the case whose first e-mail it answers; "": it begins a thread
	closing bool
}

// opening is the letter that begins the thread of a case.
func opening(o *city.Order) letter {
	return letter{word: "NEU", text: o.Text, at: o.Case.Opened, part: "1"}
}

// reopening begins it too, in answer to the thread of the case before.
func reopening(o *city.Order, before string) letter {
	return letter{word: "WIEDER OFFEN", text: o.Text, at: o.Case.Opened, part: "1", answers: before}
}

func note(o *city.Order, key, text string) letter {
	return letter{word: "NACHTRAG", text: text, at: o.At, part: key, answers: o.Case.Ref}
}

func closing(o *city.Order) letter {
	return letter{word: "ERLEDIGT", text: o.Closing, at: o.Case.Closed, part: "2", answers: o.Case.Ref, closing: true}
}

// message makes the e-mail of a letter.
func (s *System) message(o *city.Order, l letter) (*gomail.Msg, error) {
	m := gomail.NewMsg(gomail.WithEncoding(gomail.EncodingQP), gomail.WithCharset(gomail.CharsetUTF8))
	m.SetMessageIDWithValue(s.messageID(o.Case.Ref, l.part))
	if l.answers != "" {
		first := "<" + s.messageID(l.answers, "1") + ">"
		m.SetGenHeaderPreformatted(gomail.HeaderInReplyTo, first)
		m.SetGenHeaderPreformatted(gomail.HeaderReferences, first)
	}
	// RFC 3834: nobody shall answer this by machine.
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	m.SetGenHeader("X-Meldefunk-Ref", o.Case.Ref)
	m.SetUserAgent("meldefunk")
	m.SetDateWithValue(l.at)
	m.Subject(oneLine("[" + o.Case.Ref + "] " + l.word + " | " + o.Title))
	if err := m.From(s.cfg.From); err != nil {
		return nil, err
	}
	to := s.cfg.To
	if list, ok := s.cfg.ByService[o.Case.Service]; ok {
		to = list
	}
	if err := m.To(to...); err != nil {
		return nil, err
	}
	facts := facts(o, l.closing)
	m.SetBodyString(gomail.TypeTextPlain, l.text+"\n\n"+block(facts))
	body, err := attachment(facts)
	if err != nil {
		return nil, err
	}
	err = m.AttachReader(o.Case.Ref+".json", bytes.NewReader(body), gomail.WithFileContentType("application/json"))
	return m, err
}

// messageID names one message of a case.
func (s *System) messageID(ref, part string) string {
	domain := "meldefunk.invalid"
	if a, err := mail.ParseAddress(s.cfg.From); err == nil {
		if _, after, ok := strings.Cut(a.Address, "@"); ok {
			domain = after
		}
	}
	return fmt.Sprintf("%s.%s@%s", ref, part, domain)
}

// facts are what machines read, each value on one line: GeoReport v2 names where it has one.
func facts(o *city.Order, closing bool) []city.Attribute {
	f := []city.Attribute{
		{Code: "ref", Value: o.Case.Ref},
		{Code: "service_code", Value: o.Case.Service},
		{Code: "status", Value: "open"},
		{Code: "requested_datetime", Value: o.Case.Opened.UTC().Format(time.RFC3339)},
		{Code: "asset_id", Value: o.Case.Asset},
	}
	if closing {
		f[2].Value = "closed"
		f = append(f, city.Attribute{Code: "closed_datetime", Value: o.Case.Closed.UTC().Format(time.RFC3339)})
	}
	if o.Asset != nil {
		f = append(f, city.Attribute{Code: "address", Value: o.Asset.Address})
		if p := o.Asset.Position; p != nil {
			f = append(f, city.Attribute{Code: "lat", Value: fmt.Sprintf("%.6f", p.Lat)}, city.Attribute{Code: "long", Value: fmt.Sprintf("%.6f", p.Lon)})
		}
	}
	for _, a := range o.Attributes {
		if a.Code != "ref" && a.Code != "asset_id" {
			f = append(f, a)
		}
	}
	for i := range f {
		f[i].Value = oneLine(f[i].Value)
	}
	return f
}

// block writes the facts as lines.
func block(facts []city.Attribute) string {
	var b strings.Builder
	b.WriteString("--- Daten ---\n")
	for _, f := range facts {
		b.WriteString(f.Code + ": " + f.Value + "\n")
	}
	return b.String()
}

func attachment(facts []city.Attribute) ([]byte, error) {
	object := make(map[string]string, len(facts))
	for _, f := range facts {
		object[f.Code] = f.Value
	}
	return json.MarshalIndent(object, "", "  ")
}

// oneLine keeps what somebody wrote into an asset's name from becoming a header or a line
// of its own.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
