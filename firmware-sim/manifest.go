package sim

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"meldefunk/city"
)

// SentUplink is one frame that a device sent, what was so at that moment, and what was
// done to it on its way. Device, Epoch and FCnt make it unique.
type SentUplink struct {
	Device city.EUI
	Asset  string // "" of a device that nobody entered
	Epoch  uint32 // session of the device, from 1
	FCnt   uint32
	At     time.Time // true time of the event, whatever any clock said

	World   []city.Value // what is so
	Sent    []city.Value // what the payload says; empty where it says nothing that was measured
	Port    uint8
	Payload []byte

	Lost       bool          // nobody will ever hear it
	Copies     int           // messages that tell of it, when not Lost: 1, or more
	Aired      time.Time     // when the frame that was heard ended on air, of several the first; zero when Lost
	Until      time.Time     // when the message was delivered, where that was late; else zero
	ClockError time.Duration // of the device's own clock
	Faults     []FaultKind   // what it met with
}

// ID is the frame's unique name, "024f53fffe010001-1-17".
func (u *SentUplink) ID() string { return string(u.appendID(nil)) }

func (u *SentUplink) appendID(b []byte) []byte {
	b = append(hex.AppendEncode(b, u.Device[:]), '-')
	b = append(strconv.AppendUint(b, uint64(u.Epoch), 10), '-')
	return strconv.AppendUint(b, uint64(u.FCnt), 10)
}

// Manifest writes the truth of a play, one JSON object a line: those with "uplink" and
// those with "episode". The same calls write the same bytes. Times are UTC, numbers have
// no exponent. It is not safe for concurrent use.
type Manifest struct {
	w    *bufio.Writer
	line []byte
	err  error // the first
}

// NewManifest appends to w. Call Flush at the end.
func NewManifest(w io.Writer) *Manifest { return &Manifest{w: bufio.NewWriterSize(w, 64<<10)} }

// Uplink writes down a frame. After an error every call returns it again.
func (m *Manifest) Uplink(u *SentUplink) error {
	b := m.line[:0]
	b = append(b, `{"uplink":"`...)
	b = u.appendID(b)
	b = append(b, `","device":"`...)
	b = hex.AppendEncode(b, u.Device[:])
	b = append(b, '"')
	if u.Asset != "" {
		b = append(b, `,"asset":`...)
		b = appendString(b, u.Asset)
	}
	b = append(b, `,"epoch":`...)
	b = strconv.AppendUint(b, uint64(u.Epoch), 10)
	b = append(b, `,"fcnt":`...)
	b = strconv.AppendUint(b, uint64(u.FCnt), 10)
	b = appendMoment(b, `,"at":"`, u.At)
	b = m.appendValues(b, `,"world":{`, u.World)
	b = m.appendValues(b, `,"sent":{`, u.Sent)
	b = append(b, `,"port":`...)
	b = strconv.AppendUint(b, uint64(u.Port), 10)
	b = append(b, `,"payload":"`...)
	b = hex.AppendEncode(b, u.Payload)
	b = append(b, '"')
	if u.Lost {
		b = append(b, `,"lost":true`...)
	}
	if u.Copies > 1 {
		b = append(b, `,"copies":`...)
		b = strconv.AppendInt(b, int64(u.Copies), 10)
	}
	if !u.Aired.IsZero() {
		b = appendMoment(b, `,"aired":"`, u.Aired)
	}
	if !u.Until.IsZero() {
		b = appendMoment(b, `,"until":"`, u.Until)
	}
	if u.ClockError != 0 {
		b = append(b, `,"clock_error":"`...)
		b = append(append(b, u.ClockError.String()...), '"')
	}
	if len(u.Faults) > 0 {
		b = append(b, `,"faults":[`...)
		for i, kind := range u.Faults {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, string(kind))
		}
		b = append(b, ']')
	}
	return m.end(b)
}

// Episode writes down an episode. After an error every call returns it again.
func (m *Manifest) Episode(e Episode) error {
	b := m.line[:0]
	b = append(b, `{"episode":`...)
	b = appendString(b, string(e.Kind))
	if e.Asset != "" {
		b = append(b, `,"asset":`...)
		b = appendString(b, e.Asset)
	}
	b = append(b, `,"device":"`...)
	b = hex.AppendEncode(b, e.Device[:])
	b = append(b, '"')
	if e.Threshold != 0 {
		b = m.appendNumber(append(b, `,"threshold":`...), e.Threshold)
	}
	b = appendMoment(b, `,"from":"`, e.From)
	if !e.To.IsZero() {
		b = appendMoment(b, `,"to":"`, e.To)
	}
	return m.end(b)
}

// Flush writes what is held back, and gives the first error there was.
func (m *Manifest) Flush() error {
	if err := m.w.Flush(); m.err == nil && err != nil {
		m.err = fmt.Errorf("write the manifest: %w", err)
	}
	return m.err
}

// end writes the line.
func (m *Manifest) end(b []byte) error {
	b = append(b, '}', '\n')
	m.line = b
	if m.err != nil {
		return m.err
	}
	if _, err := m.w.Write(m.line); err != nil {
		m.err = fmt.Errorf("write the manifest: %w", err)
	}
	return m.err
}

func (m *Manifest) appendValues(b []byte, key string, values []city.Value) []byte {
	b = append(b, key...)
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), v.Quantity.String()...), '"', ':')
		b = m.appendNumber(b, v.Number)
	}
	return append(b, '}')
}

// appendNumber writes a number to a millionth, which is finer than any sensor and any rule.
func (m *Manifest) appendNumber(b []byte, number float64) []byte {
	if math.IsNaN(number) || math.IsInf(number, 0) {
		if m.err == nil {
			m.err = fmt.Errorf("write the manifest: %v is no number: %s", number, b)
		}
		return append(b, '0')
	}
	if math.Abs(number) < 1e9 { // larger ones have no millionths
		number = round(number, 1e6)
	}
	return strconv.AppendFloat(b, number+0, 'f', -1, 64) // + 0 makes -0 a 0
}

func appendMoment(b []byte, key string, t time.Time) []byte {
	b = append(b, key...)
	return append(t.UTC().AppendFormat(b, time.RFC3339Nano), '"')
}

func appendString(b []byte, s string) []byte {
	if plain(s) { // as nearly all are: no allocation
		return append(append(append(b, '"'), s...), '"')
	}
	text, _ := json.Marshal(s) // strings always encode
	return append(b, text...)
}

// plain tells whether a string stands in JSON as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
