package decoders

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
)

// Span says what some bytes of a payload mean, or some bits of them.
type Span struct {
	From, To int // bytes of the payload: From is the first, To the one behind the last

	// Bits are the bits of these bytes that it is about, "7", "13..0" or "15..8, 5..0"; "" for
	// all. The bytes are taken as they stand, as one big endian number: 0 is the lowest bit of
	// the last one.
	Bits string

	Name    string // a quantity, or what else stands there: "checksum", "not read", "not understood"
	Raw     string // the number as it stands, not scaled; hex digits where it is no number
	Meaning string // the value with its unit, "fault " and its name, or a remark; "" where there is nothing to say
}

// Explain says what each byte of u.Payload means: its spans are in the order of their first
// bits, and every bit is in exactly one. Each value that Decode makes of the frame without an
// asset has a span named after the quantity, with "past " before it where the device kept it
// in its memory; so has each fault. None has what is computed: soil tension from a frequency,
// and the faults uncalibrated and out_of_scale.
//
// The error is Decode's. The spans then tell how far the frame was understood; there are none
// where the model is unknown. It is for people, and costs far more than Decode.
func (t *Table) Explain(d *city.Device, u *city.Uplink) ([]Span, error) {
	err := t.Decode(d, nil, u, &city.Reading{})
	m, ok := t.models[d.Model]
	if !ok {
		return nil, err
	}
	m = m.of(d.Firmware)
	p := newPage(u)
	if port := m.port(u.FPort); port != nil && len(u.Payload) > 0 {
		if port.layout != nil {
			port.layout.explain(p)
		} else {
			p.mark(0, len(u.Payload), 0, port.carries, hex.EncodeToString(u.Payload), "not read")
		}
	}
	if err != nil {
		return p.finished("not understood"), err
	}
	return p.finished("not read"), nil
}

// page is a payload on which layouts mark what they know. What was marked once stays as it
// is: a later mark gets the bits that are left.
type page struct {
	payload []byte
	now     time.Time
	left    []byte // the bits of each byte that nothing was said about
	spans   []Span
	values  map[valueOf]int // the span that a value is from
	when    uint32          // of the record that is being marked
}

// valueOf is a quantity by its span's name, and of a record the time.
type valueOf struct {
	name string
	when uint32
}

func newPage(u *city.Uplink) *page {
	return &page{
		payload: u.Payload,
		now:     u.Time.At,
		left:    slices.Repeat([]byte{0xff}, len(u.Payload)),
		values:  make(map[valueOf]int),
	}
}

// mark says what bytes are; mask is of the bits of up to four of them as they stand, 0 for
// all. It tells whether any of them were left.
func (p *page) mark(at, size int, mask uint32, name, raw, meaning string) bool {
	taken := make([]byte, size)
	for i := range taken {
		taken[i] = p.left[at+i]
		if mask != 0 {
			taken[i] &= byte(mask >> (8 * (size - 1 - i)))
		}
		p.left[at+i] &^= taken[i]
	}
	for len(taken) > 0 && taken[0] == 0 {
		taken, at = taken[1:], at+1
	}
	for len(taken) > 0 && taken[len(taken)-1] == 0 {
		taken = taken[:len(taken)-1]
	}
	if len(taken) == 0 {
		return false
	}
	p.spans = append(p.spans, Span{at, at + len(taken), bitRanges(taken), name, raw, meaning})
	return true
}

// bitRanges lists the bits that are set, highest first; "" for all.
func bitRanges(taken []byte) string {
	var ranges []string
	set := func(bit int) bool {
		return bit >= 0 && taken[len(taken)-1-bit/8]>>(bit%8)&1 != 0
	}
	for high := 8*len(taken) - 1; high >= 0; high-- {
		if !set(high) {
			continue
		}
		low := high
		for set(low - 1) {
			low--
		}
		switch {
		case high-low == 8*len(taken)-1:
			return ""
		case high == low:
			ranges = append(ranges, strconv.Itoa(high))
		default:
			ranges = append(ranges, fmt.Sprintf("%d..%d", high, low))
		}
		high = low
	}
	return strings.Join(ranges, ", ")
}

// rest marks what is left of some bytes: whole bytes side by side are one span.
func (p *page) rest(at, size int, name, meaning string) {
	for last := at + size; at < last; {
		end := at + 1
		for p.left[at] == 0xff && end < last && p.left[end] == 0xff {
			end++
		}
		mask := uint32(0)
		if end-at == 1 {
			mask = uint32(p.left[at])
		}
		if p.left[at] != 0 {
			p.mark(at, end-at, mask, name, p.raw(at, end-at, mask), meaning)
		}
		at = end
	}
}

// finished gives the spans in order; bits that nothing was said about get a name.
func (p *page) finished(name string) []Span {
	p.rest(0, len(p.payload), name, "")
	slices.SortFunc(p.spans, func(a, b Span) int { return a.firstBit() - b.firstBit() })
	return p.spans
}

// firstBit counts from the payload's first.
func (s *Span) firstBit() int {
	high, _, _ := strings.Cut(s.Bits, ".")
	high, _, _ = strings.Cut(high, ",")
	if bit, err := strconv.Atoi(high); err == nil {
		return 8*s.To - 1 - bit
	}
	return 8 * s.From
}

// label names bytes that are no field; never as a quantity, which stands for its value.
type label struct {
	at, size int    // bytes; size 0: 1
	mask     uint32 // bits of up to four bytes as they stand; 0: all
	name     string

	// Of a special, which finds these in the bytes.
	quantity city.Quantity
	fault    city.Fault
}

// labels marks bytes behind a place in the payload.
func (p *page) labels(at int, labels []label) {
	for _, l := range labels {
		size := max(l.size, 1)
		p.mark(at+l.at, size, l.mask, l.name, p.raw(at+l.at, size, l.mask), "")
	}
}

// raw writes what stands in bytes: one is a number, so are bits.
func (p *page) raw(at, size int, mask uint32) string {
	data := p.payload[at : at+size]
	if size > 1 && mask == 0 {
		return hex.EncodeToString(data)
	}
	n := uint32(0)
	for _, b := range data {
		n = n<<8 | uint32(b)
	}
	if mask != 0 {
		n = n & mask >> bits.TrailingZeros32(mask)
	}
	return strconv.FormatUint(uint64(n), 10)
}

// Names of what is of the device's memory begin with this.
const ofPast = "past "

// fields marks fields behind a place in the payload; prefix is "" or ofPast.
func (p *page) fields(at int, fields []field, prefix string) {
	for i := range fields {
		f := &fields[i]
		data := p.payload[at+f.at:]
		raw := strconv.FormatInt(f.number(data), 10)
		if f.form.float() {
			raw = hex.EncodeToString(data[:f.form.size()])
		}
		meaning, measured := f.meaning(p.payload[at:])
		p.value(at+f.at, f.form.size(), f.form.standing(f.mask), prefix+f.quantity.String(), raw, meaning, measured)
	}
}

// value marks what may be a value, of which the last one in a frame counts, or in the records
// of one time.
func (p *page) value(at, size int, mask uint32, name, raw, meaning string, measured bool) {
	if !p.mark(at, size, mask, name, raw, meaning) || !measured {
		return
	}
	from := valueOf{name: name}
	if strings.HasPrefix(name, ofPast) {
		from.when = p.when
	}
	if earlier, ok := p.values[from]; ok {
		p.spans[earlier].Meaning += ", replaced by a later one"
	}
	p.values[from] = len(p.spans) - 1
}

// meaning is what the field's bytes say, and whether that is a value.
func (f *field) meaning(data []byte) (text string, measured bool) {
	var r city.Reading
	n, ok := f.measure(data, &r)
	switch {
	case len(r.Faults) > 0:
		return faultText(r.Faults[0]), false
	case !ok:
		return "not measured", false
	case !possible(f.quantity, n):
		return faultText(city.FaultImplausible) + ": " + withUnit(f.quantity, n), false
	}
	return withUnit(f.quantity, n), true
}

func faultText(f city.Fault) string { return "fault " + string(f) }

// withUnit writes a number so that it reads back as the same.
func withUnit(q city.Quantity, n float64) string {
	if q.Boolean() && (n == 0 || n == 1) {
		return map[float64]string{0: "no", 1: "yes"}[n]
	}
	text := strconv.FormatFloat(n, 'f', -1, 64)
	if q.Unit() != "" {
		text += " " + q.Unit()
	}
	return text
}

// special marks what fields could not say, in the bytes from a place on that the special gets.
func (p *page) special(at int, s *special) {
	if s == nil {
		return
	}
	var r city.Reading
	s.read(p.payload[at:], &r)
	for _, l := range s.places {
		size := max(l.size, 1)
		name, meaning, measured := l.name, "not measured", false
		n, ok := r.Value(l.quantity)
		switch {
		case ok:
			meaning, measured = withUnit(l.quantity, n), true
		case l.fault != "" && r.Has(l.fault):
			meaning = faultText(l.fault)
		case r.Has(city.FaultImplausible):
			meaning = faultText(city.FaultImplausible)
		}
		if l.quantity != city.QuantityUnknown {
			name = l.quantity.String()
		}
		p.value(at+l.at, size, l.mask, name, p.raw(at+l.at, size, l.mask), meaning, measured)
	}
	if s.explain != nil {
		s.explain(p)
	}
}

// tail marks bytes that are kept as not understood; why is for people.
func (p *page) tail(from, to int, why string) {
	p.rest(from, to-from, "not understood", faultText(city.FaultUnparsedTail)+why)
}

// unknown marks bytes for which a frame is rejected.
func (p *page) unknown(at, size int, name, why string) {
	p.mark(at, size, 0, name, p.raw(at, size, 0), why)
}

// time marks a Unix time in seconds, and tells whether a record of then is kept.
func (p *page) time(at int, order binary.ByteOrder) bool {
	seconds := order.Uint32(p.payload[at:])
	meaning := time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339)
	kept := p.keeps(seconds)
	if !kept {
		meaning = faultText(city.FaultClock) + ": " + meaning + ", the record is dropped"
	}
	p.mark(at, recordTime, 0, "time of the record", strconv.FormatUint(uint64(seconds), 10), meaning)
	return kept
}

// keeps tells whether a record of a Unix time is kept, and begins it.
func (p *page) keeps(seconds uint32) bool {
	when := time.Unix(int64(seconds), 0)
	kept := seconds >= oldestRecord && (p.now.IsZero() || !when.After(p.now.Add(clockTolerance)))
	p.when = seconds
	return kept
}

// item marks an item's data.
func (p *page) item(at int, it *item) {
	prefix := ""
	switch {
	case it.record && len(it.fields) == 0: // so its time does not matter
		p.labels(at, []label{{size: recordTime, name: "time of the record"}})
	case it.record:
		prefix = ofPast
		if !p.time(at, binary.LittleEndian) {
			p.rest(at, it.size, "of the dropped record", "")
		}
	}
	p.fields(at, it.fields, prefix)
	name, meaning := it.rest, ""
	if it.read != nil {
		meaning = it.finding(p.payload[at : at+it.size])
	}
	if name == "" {
		name = "not read"
	}
	p.labels(at, it.labels)
	p.rest(at, it.size, name, meaning)
}

// finding is what an item's data say beside the fields.
func (it *item) finding(data []byte) string {
	var r city.Reading
	it.read(data, &r)
	var texts []string
	for _, v := range r.Values {
		texts = append(texts, v.Quantity.String()+" "+withUnit(v.Quantity, v.Number))
	}
	for _, f := range r.Faults {
		texts = append(texts, faultText(f))
	}
	if len(texts) == 0 {
		return "no fault"
	}
	return strings.Join(texts, ", ")
}

// title is what an item is about.
func (it *item) title() string {
	var names []string
	if it.record {
		names = append(names, "record")
	}
	for _, q := range addQuantities(nil, it.fields) {
		names = append(names, q.String())
	}
	if it.rest != "" && len(it.fields) == 0 {
		names = append(names, it.rest)
	}
	return strings.Join(names, ", ")
}

func (l *items) explain(p *page) {
	for at := 0; at < len(p.payload); {
		rest := p.payload[at:]
		it := l.find(rest)
		if it == nil || len(rest) < l.keySize+it.size {
			l.explainTail(p, at, it)
			return
		}
		p.mark(at, l.keySize, 0, "type "+hex.EncodeToString(rest[:l.keySize]), p.raw(at, l.keySize, 0), it.title())
		p.item(at+l.keySize, it)
		at += l.keySize + it.size
	}
}

// explainTail marks the rest of a frame, where reading stopped at an item; it is what it is,
// where known.
func (l *items) explainTail(p *page, at int, it *item) {
	rest := p.payload[at:]
	why := "cut short"
	switch {
	case it != nil:
		why = fmt.Sprintf("type %x (%s) has %d bytes of data, want %d", rest[:l.keySize], it.title(), len(rest)-l.keySize, it.size)
	case len(rest) >= l.keySize:
		why = fmt.Sprintf("unknown type %x", rest[:l.keySize])
	}
	if at == 0 {
		p.unknown(0, min(l.keySize, len(rest)), "type", why)
		return
	}
	p.tail(at, len(p.payload), ": "+why)
}

func (l frames) explain(p *page) {
	for i := range l {
		if l[i].fits(p.payload) {
			l[i].explain(p)
			return
		}
	}
}

func (l *fixed) explain(p *page) {
	p.fields(0, l.fields, "")
	for _, t := range l.troubles {
		var r city.Reading
		t.read(p.payload, &r)
		meaning := "no fault"
		if len(r.Faults) > 0 {
			meaning = faultText(t.fault)
		}
		p.mark(t.at, 1, uint32(t.mask), string(t.fault), p.raw(t.at, 1, uint32(t.mask)), meaning)
	}
	p.special(0, l.special)
	p.labels(0, l.labels)
	if l.tail != nil {
		if tail := l.tail(p.payload); len(tail) > 0 {
			p.tail(len(p.payload)-len(tail), len(p.payload), "")
		}
	}
}

func (unread) explain(p *page) { p.tail(0, len(p.payload), ": the layout is not known") }
