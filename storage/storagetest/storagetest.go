// Package storagetest is the contract of a store of the road: what a commit must keep,
// that it is atomic and repeatable, and what recalling must give back. Every store runs
// it over itself.
//
// It does not know any technology.
package storagetest

import (
	"context"
	"reflect"
	"strconv"
	"testing"
	"time"

	"meldefunk/city"
)

// Store is what the road and its followers call.
type Store interface {
	Mark(ctx context.Context) (city.Mark, error)
	Memory(ctx context.Context, devEUI city.EUI) (city.DeviceMemory, error)
	State(ctx context.Context, asset, group string) (city.AssetState, error)
	Groups(ctx context.Context) ([]city.AssetState, error)
	Dues(ctx context.Context, each func(city.Due)) error
	Deafness(ctx context.Context) ([]city.Deafness, error)
	Decisions(ctx context.Context, ref string) ([]city.Ruling, error)
	DecisionsAt(ctx context.Context, asset, group string, limit int) ([]city.Ruling, error)
	DecisionsAfter(ctx context.Context, id int64, limit int) ([]city.Ruling, error)
	Held(ctx context.Context) ([]city.Case, error)
	Begun(ctx context.Context, after time.Time) ([]city.Case, error)
	Frame(ctx context.Context, devEUI city.EUI, epoch, fcnt uint32, ident uint64) (city.FrameKey, bool, error)
	Joined(ctx context.Context, devEUI city.EUI, ident uint64) (bool, error)
	Measured(ctx context.Context, asset string, devEUI city.EUI, at time.Time) (bool, error)
	Taken(ctx context.Context, ref string) (bool, error)
	Heard(ctx context.Context, frame int64) (city.Uplink, bool, error)
	Commit(ctx context.Context, c *city.Commit) error

	FramesOf(ctx context.Context, devEUI city.EUI, after int64, limit int) ([]city.Frame, error)
	LastFrame(ctx context.Context, devEUI city.EUI) (city.Frame, bool, error)
	LastHeard(ctx context.Context) (map[city.EUI]time.Time, error)
	ReadingsAt(ctx context.Context, asset string, devEUI city.EUI, at time.Time) ([]city.Reading, error)
	Series(ctx context.Context, asset string, after *city.Reading, limit int) ([]city.Reading, error)

	ReadingsAfter(ctx context.Context, id int64, limit int) ([]city.Reading, error)
	Latest(ctx context.Context) ([]city.Reading, error)
	History(ctx context.Context, asset string, limit int) ([]city.Reading, error)
	Cursor(ctx context.Context, name string) (int64, error)
	SetCursor(ctx context.Context, name string, position int64) error
	Refuse(ctx context.Context, sink string, readingID int64, reason string) error
	GiveUp(ctx context.Context, sink string, before time.Time, keep int64) (city.SpoolLoss, error)
	Due(ctx context.Context, system string, now time.Time, limit int) ([]city.CaseTicket, error)
	Unrouted(ctx context.Context, limit int) ([]city.CaseTicket, error)
	Sending(ctx context.Context) ([]city.CaseTicket, error)
	Systems(ctx context.Context) ([]string, error)
	Watched(ctx context.Context, system string, before time.Time, limit int) ([]city.CaseTicket, error)
	Unacknowledged(ctx context.Context, system string, before time.Time, after string, limit int) ([]city.CaseTicket, error)
	Handed(ctx context.Context, system string) ([]city.CaseTicket, error)
	Earlier(ctx context.Context, ref string) (city.CaseTicket, bool, error)
	Tickets(ctx context.Context, f city.TicketFilter) ([]city.CaseTicket, error)
	TicketLog(ctx context.Context, ref string) ([]city.TicketEntry, error)
	Wish(ctx context.Context, w city.Wish) (int64, error)
	Mute(ctx context.Context, m city.Mute) (int64, error)
	Unmute(ctx context.Context, id int64, by string, at time.Time) error
	Mutes(ctx context.Context, now time.Time) ([]city.Mute, error)
	AllMutes(ctx context.Context, limit int) ([]city.Mute, error)
	Polled(ctx context.Context, system string) (time.Time, error)
	SetPolled(ctx context.Context, system string, polled time.Time) error
	Cases(ctx context.Context, openOnly bool, limit int) ([]city.CaseTicket, error)
	Minds(ctx context.Context, each func(name string, kept []byte) error) error
	Case(ctx context.Context, ref string) (city.CaseTicket, bool, error)
	PutTicket(ctx context.Context, t city.Ticket, e city.TicketEntry, granted ...int64) error
	Unpark(ctx context.Context, now time.Time) (int64, error)
	Linked(ctx context.Context, system, externalID string) (ref string, linked bool, err error)
	Asides(ctx context.Context, limit, offset int) ([]city.SetAside, int64, error)
	AsidesAfter(ctx context.Context, f city.AsideFilter, seen time.Time, key uint64, limit int) ([]city.SetAside, error)
	AsideCounts(ctx context.Context, f city.AsideFilter) ([]city.AsideCount, error)
	DropAsides(ctx context.Context, f city.AsideFilter) (int64, error)
	DeviceNews(ctx context.Context, devEUI city.EUI, limit int) (city.DeviceNews, error)

	Register
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 123456789, time.UTC)

// Device is the device that the contract's commits are about.
var Device = city.EUI{0xa8, 0x40, 0x41, 0, 1, 0x81, 0, 1}

// Frame makes the n-th frame of Device in an epoch, and its reading.
func Frame(n int64, epoch uint32) (city.Frame, city.Reading) {
	at := noon.Add(time.Duration(n) * time.Minute)
	u := city.Uplink{
		Server: "ns", DevEUI: Device, Session: "0165c904", FCnt: uint32(n), FPort: 85, Payload: []byte{1, 0x75, byte(n)},
		Time: city.Stamp{At: at, Source: city.TimeGateway}, Received: at.Add(time.Second), Ident: 1<<63 + uint64(n),
		Radio: city.Radio{RSSI: -118, SNR: -7.5, SpreadingFactor: 12, Gateways: 2, Frequency: 868_100_000, Gateway: "7076ff0056000001"},
	}
	r := city.Reading{
		ID: n, DevEUI: Device, Asset: "PK-1", Kind: city.Bin, Model: "milesight/em310-udl", Epoch: epoch, FCnt: u.FCnt,
		Time: u.Time, Received: u.Received, Radio: city.Radio{RSSI: -118, SNR: -7.5, SpreadingFactor: 12, Gateways: 2, Gateway: "7076ff0056000001"},
		Values: []city.Value{{Quantity: city.FillLevel, Number: 0}, {Quantity: city.Distance, Number: 1604.5}, {Quantity: city.Tilt, Number: 1}},
		Faults: []city.Fault{city.FaultOutOfScale, city.FaultUnparsedTail}, Tail: []byte{9, 9}, Raw: []byte(`{"firmware":"1.1"}`),
	}
	return city.Frame{ID: n, Epoch: epoch, Fate: city.FateRead, Hash: 1<<63 + 7, Uplink: u}, r
}

// Run runs the contract. open gives a store in the folder dir; it is called again on the
// same folder after Close to see what has survived.
func Run(t *testing.T, open func(t *testing.T, dir string) (s Store, shut func())) {
	for name, test := range map[string]func(*suite, *testing.T){
		"empty":                     (*suite).empty,
		"round trip":                (*suite).roundTrip,
		"repeatable":                (*suite).repeatable,
		"atomic":                    (*suite).atomic,
		"memory":                    (*suite).memory,
		"cases":                     (*suite).cases,
		"due":                       (*suite).due,
		"whose":                     (*suite).whose,
		"versions":                  (*suite).versions,
		"rivals":                    (*suite).rivals,
		"wishes":                    (*suite).wishes,
		"mutes":                     (*suite).mutes,
		"watched":                   (*suite).watched,
		"earlier":                   (*suite).earlier,
		"list":                      (*suite).list,
		"unparked":                  (*suite).unparked,
		"decisions":                 (*suite).decisions,
		"groups":                    (*suite).groups,
		"held":                      (*suite).held,
		"set aside":                 (*suite).setAside,
		"given up":                  (*suite).givenUp,
		"chosen":                    (*suite).chosenAsides,
		"news":                      (*suite).deviceNews,
		"cursors":                   (*suite).cursors,
		"archive":                   (*suite).archive,
		"last heard":                (*suite).lastHeard,
		"register":                  (*suite).register,
		"refused":                   (*suite).refusedChanges,
		"trail":                     (*suite).trail,
		"told":                      (*suite).registrations,
		"joins":                     (*suite).joins,
		"session keys wrapped anew": (*suite).rewrapped,
	} {
		t.Run(name, func(t *testing.T) {
			s := &suite{dir: t.TempDir(), open: open}
			s.store, s.shut = open(t, s.dir)
			t.Cleanup(func() { s.shut() })
			test(s, t)
		})
	}
}

type suite struct {
	dir   string
	open  func(t *testing.T, dir string) (Store, func())
	store Store
	shut  func()
}

func (s *suite) reopen(t *testing.T) {
	t.Helper()
	s.shut()
	s.store, s.shut = s.open(t, s.dir)
}

func (s *suite) commit(t *testing.T, c *city.Commit) {
	t.Helper()
	must(t, s.store.Commit(t.Context(), c))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func get[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		must(t, err)
		return v
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func (s *suite) empty(t *testing.T) {
	ctx := t.Context()
	equal(t, "mark", get[city.Mark](t)(s.store.Mark(ctx)), city.Mark{})
	equal(t, "memory", get[city.DeviceMemory](t)(s.store.Memory(ctx, Device)), city.DeviceMemory{})
	equal(t, "state", get[city.AssetState](t)(s.store.State(ctx, "PK-1", "")), city.AssetState{Asset: "PK-1"})
	if got := get[[]city.Reading](t)(s.store.Latest(ctx)); len(got) != 0 {
		t.Errorf("latest of an empty store: %v", got)
	}
}

func (s *suite) roundTrip(t *testing.T) {
	ctx := t.Context()
	f, r := Frame(1, 1)
	state := city.AssetState{Asset: "PK-1", Reading: 1, Judged: r.Time.At, Server: "ns", Mind: []byte{1, 2, 3},
		Cases: []city.OpenCase{{Rule: "bin-full", Ref: "S-AAAAAAAA", Since: r.Time.At, Grade: 2}}, Deadline: r.Time.At.Add(time.Hour),
		Occupancy: &city.Occupancy{Occupied: true, Since: r.Time.At, Began: true}}
	s.commit(t, &city.Commit{
		Mark: city.Mark{Frame: 1, Reading: 1}, Frames: []city.Frame{f}, Readings: []city.Reading{r}, States: []city.AssetState{state},
		Sessions: []city.Session{{DevEUI: Device, Epoch: 1, Token: "0165c904", Cause: city.SessionFirst, Opened: r.Time.At}},
	})
	s.reopen(t)
	equal(t, "mark", get[city.Mark](t)(s.store.Mark(ctx)), city.Mark{Frame: 1, Reading: 1})
	equal(t, "readings", get[[]city.Reading](t)(s.store.ReadingsAfter(ctx, 0, 10)), []city.Reading{r})
	equal(t, "readings after the last", len(get[[]city.Reading](t)(s.store.ReadingsAfter(ctx, 1, 10))), 0)
	equal(t, "measured", get[bool](t)(s.store.Measured(ctx, "PK-1", Device, r.Time.At)), true)
	equal(t, "measured by another", get[bool](t)(s.store.Measured(ctx, "PK-1", city.EUI{1}, r.Time.At)), false)
	equal(t, "measured later", get[bool](t)(s.store.Measured(ctx, "PK-1", Device, r.Time.At.Add(1))), false)
	equal(t, "latest", get[[]city.Reading](t)(s.store.Latest(ctx)), []city.Reading{r})
	equal(t, "history", get[[]city.Reading](t)(s.store.History(ctx, "PK-1", 5)), []city.Reading{r})
	equal(t, "state", get[city.AssetState](t)(s.store.State(ctx, "PK-1", "")), state)
}

// A commit whose answer was lost is sent again, whole.
func (s *suite) repeatable(t *testing.T) {
	f, r := Frame(1, 1)
	c := &city.Commit{
		Mark: city.Mark{Frame: 1, Reading: 1}, Frames: []city.Frame{f}, Readings: []city.Reading{r},
		Cases: []city.Case{newCase("S-AAAAAAAA"), closing("S-AAAAAAAA"), newCase("S-BBBBBBBB")},
	}
	s.commit(t, c)
	s.commit(t, c)
	equal(t, "readings", len(get[[]city.Reading](t)(s.store.ReadingsAfter(t.Context(), 0, 10))), 1)
	equal(t, "cases", len(get[[]city.CaseTicket](t)(s.store.Cases(t.Context(), false, 10))), 2)
	equal(t, "open cases", len(get[[]city.CaseTicket](t)(s.store.Cases(t.Context(), true, 10))), 1)
}

// A commit that fails leaves nothing behind. Two open cases of one rule at one asset are
// what makes this one fail.
func (s *suite) atomic(t *testing.T) {
	f, r := Frame(1, 1)
	err := s.store.Commit(t.Context(), &city.Commit{
		Mark: city.Mark{Frame: 1, Reading: 1}, Frames: []city.Frame{f}, Readings: []city.Reading{r},
		Cases: []city.Case{newCase("S-AAAAAAAA"), newCase("S-BBBBBBBB")},
	})
	if err == nil {
		t.Fatal("two open cases of one rule at one asset were accepted")
	}
	equal(t, "mark", get[city.Mark](t)(s.store.Mark(t.Context())), city.Mark{})
	equal(t, "readings", len(get[[]city.Reading](t)(s.store.ReadingsAfter(t.Context(), 0, 10))), 0)
	_, found, err := s.store.Frame(t.Context(), Device, 1, 1, f.Uplink.Ident)
	must(t, err)
	equal(t, "frame kept", found, false)
}

func (s *suite) memory(t *testing.T) {
	ctx := t.Context()
	var c city.Commit
	for epoch := uint32(1); epoch <= 5; epoch++ {
		c.Sessions = append(c.Sessions, city.Session{DevEUI: Device, Epoch: epoch, Token: "t", Join: uint64(epoch) << 61, Cause: city.SessionReset, Opened: noon})
	}
	for n := int64(1); n <= 100; n++ {
		f, _ := Frame(n, 4)
		c.Frames = append(c.Frames, f)
	}
	s.commit(t, &c)
	m := get[city.DeviceMemory](t)(s.store.Memory(ctx, Device))
	if len(m.Sessions) != 4 || m.Sessions[0].Epoch != 2 || m.Sessions[3].Epoch != 5 {
		t.Fatalf("sessions: want the newest four, oldest first: %+v", m.Sessions)
	}
	equal(t, "epoch 4", m.Sessions[2].Top, uint32(100))
	equal(t, "epoch 4 heard", m.Sessions[2].Heard, true)
	equal(t, "epoch 5 heard", m.Sessions[3].Heard, false)
	if len(m.Frames) != 64 || m.Frames[0].FCnt != 37 || m.Frames[63].FCnt != 100 {
		t.Errorf("frames: want the newest 64 in order of arrival, got %d from %d", len(m.Frames), m.Frames[0].FCnt)
	}
	for ident, want := range map[uint64]bool{1 << 61: true, 5 << 61: true, 7: false} { // epoch 1 is no longer remembered
		equal(t, "joined", get[bool](t)(s.store.Joined(ctx, Device, ident)), want)
	}
	equal(t, "another device joined", get[bool](t)(s.store.Joined(ctx, city.EUI{1}, 1<<61)), false)
	f, _ := Frame(7, 4)
	for name, q := range map[string]struct {
		epoch uint32
		ident uint64
		found bool
	}{
		"same delivery, other epoch": {9, f.Uplink.Ident, true},
		"same epoch, other delivery": {4, 12345, true},
		"neither":                    {9, 12345, false},
	} {
		k, found, err := s.store.Frame(ctx, Device, q.epoch, 7, q.ident)
		must(t, err)
		if found != q.found || found && (k.Hash != f.Hash || k.Ident != f.Uplink.Ident || !k.At.Equal(f.Uplink.Time.At)) {
			t.Errorf("%s: found %v: %+v", name, found, k)
		}
	}
}

func newCase(ref string) city.Case {
	return city.Case{Ref: ref, Rule: "bin-full", Service: "OS-ABF-01", Asset: "PK-1", Quantity: city.FillLevel, Value: 96.5, Limit: 90,
		Since: noon, Title: "Papierkorb voll", Advice: "Leerung mit der nächsten Tour.", Opened: noon.Add(time.Hour)}
}

func closing(ref string) city.Case {
	return city.Case{Ref: ref, Closed: noon.Add(2 * time.Hour), ClosedValue: 12, ClosedSince: noon.Add(90 * time.Minute)}
}

func (s *suite) cases(t *testing.T) {
	ctx, now := t.Context(), noon.Add(24*time.Hour)
	s.commit(t, &city.Commit{Cases: []city.Case{newCase("S-AAAAAAAA")}})
	due := get[[]city.CaseTicket](t)(s.store.Due(ctx, "", now, 10))
	equal(t, "due", due, []city.CaseTicket{{Case: newCase("S-AAAAAAAA"),
		Ticket: city.Ticket{Ref: "S-AAAAAAAA", State: city.TicketQueued, Updated: noon.Add(time.Hour)}}})
	equal(t, "taken", get[bool](t)(s.store.Taken(ctx, "S-AAAAAAAA")), true)
	equal(t, "free", get[bool](t)(s.store.Taken(ctx, "S-BBBBBBBB")), false)

	ticket := city.Ticket{Ref: "S-AAAAAAAA", State: city.TicketUnsure, Attempts: 2, Creates: 1, SentAt: noon, Next: now.Add(time.Minute),
		Error: "timeout", Updated: noon}
	s.put(t, &ticket, "no answer")
	s.reopen(t)
	equal(t, "not yet due", len(get[[]city.CaseTicket](t)(s.store.Due(ctx, "", now, 10))), 0)
	due = get[[]city.CaseTicket](t)(s.store.Due(ctx, "", now.Add(time.Minute), 10))
	equal(t, "ticket", due[0].Ticket, ticket)

	ticket.State, ticket.ExternalID, ticket.Next = city.TicketOpen, "1001", time.Time{}
	s.put(t, &ticket, "created")
	ref, linked, err := s.store.Linked(ctx, "", "1001")
	must(t, err)
	equal(t, "linked", ref+" "+strconv.FormatBool(linked), "S-AAAAAAAA true")
	if _, linked, err = s.store.Linked(ctx, "", "1002"); linked || err != nil {
		t.Errorf("1002 is linked: %v, %v", linked, err)
	}
	equal(t, "settled", len(get[[]city.CaseTicket](t)(s.store.Due(ctx, "", now, 10))), 0)
	s.commit(t, &city.Commit{Cases: []city.Case{closing("S-AAAAAAAA"), newCase("S-BBBBBBBB")}})
	equal(t, "to close and to open", len(get[[]city.CaseTicket](t)(s.store.Due(ctx, "", now, 10))), 2)
	equal(t, "limit", len(get[[]city.CaseTicket](t)(s.store.Due(ctx, "", now, 1))), 1)
	open := get[[]city.CaseTicket](t)(s.store.Cases(ctx, true, 10))
	if len(open) != 1 || open[0].Case.Ref != "S-BBBBBBBB" {
		t.Errorf("open cases: %+v", open)
	}
	one, found, err := s.store.Case(ctx, "S-BBBBBBBB")
	must(t, err)
	equal(t, "the case", one, open[0])
	if !found {
		t.Error("the case is not found by its reference")
	}
	if one, found, err = s.store.Case(ctx, "s-bbbbbbbb"); found || err != nil || one.Case.Ref != "" {
		t.Errorf("a case that is not there: %+v, %v, %v", one, found, err)
	}
	ticket.State = city.TicketParked
	s.put(t, &ticket, "refused") // the third time
	equal(t, "unparked", get[int64](t)(s.store.Unpark(ctx, now)), int64(1))
	equal(t, "unparked again", get[int64](t)(s.store.Unpark(ctx, now)), int64(0))
	equal(t, "due once more", get[[]city.CaseTicket](t)(s.store.Due(ctx, "", now, 10))[0].Ticket,
		city.Ticket{Ref: ticket.Ref, State: city.TicketClosing, ExternalID: "1001", Creates: 1, SentAt: noon, Updated: now, Version: 4})
	ticket.Version++
	for _, state := range []city.TicketState{city.TicketParked, city.TicketClosed, city.TicketCancelled} {
		ticket.State = state
		s.put(t, &ticket, "done")
		equal(t, string(state)+" is not due", len(get[[]city.CaseTicket](t)(s.store.Due(ctx, "", now, 10))), 1)
	}
}

// put writes a ticket with a note, as whoever has read it last.
func (s *suite) put(t *testing.T, ticket *city.Ticket, note string) {
	t.Helper()
	must(t, s.store.PutTicket(t.Context(), *ticket, city.TicketEntry{At: ticket.Updated, State: ticket.State, Note: note}))
	ticket.Version++
}

func (s *suite) setAside(t *testing.T) {
	ctx := t.Context()
	a := city.SetAside{Key: 1<<63 + 5, Server: "ns", Topic: "application/1/x", Body: []byte("{\x00\xff"), Received: noon,
		Reason: city.ReasonMalformed, Detail: "kein JSON", DevEUI: Device, Count: 1}
	s.commit(t, &city.Commit{Aside: []city.SetAside{a}})
	again := a
	again.Received = noon.Add(time.Hour)
	s.commit(t, &city.Commit{Aside: []city.SetAside{again}})
	got, total, err := s.store.Asides(ctx, 10, 0)
	must(t, err)
	a.Count, a.LastSeen = 2, again.Received
	equal(t, "total", total, int64(1))
	equal(t, "entry", got, []city.SetAside{a})
	equal(t, "from the start", get[[]city.SetAside](t)(s.store.AsidesAfter(ctx, city.AsideFilter{}, time.Time{}, 0, 10)), got)
	equal(t, "after it", len(get[[]city.SetAside](t)(s.store.AsidesAfter(ctx, city.AsideFilter{}, a.LastSeen, a.Key, 10))), 0)
	s.commit(t, &city.Commit{Replayed: []uint64{a.Key}})
	_, total, err = s.store.Asides(ctx, 10, 0)
	must(t, err)
	equal(t, "after replay", total, int64(0))
}

// givenUp moves a cursor past what is too old or too much, and tells what that was.
func (s *suite) givenUp(t *testing.T) {
	ctx := t.Context()
	var c city.Commit
	for n := range int64(6) {
		f, r := Frame(n+1, 1)
		c.Frames, c.Readings = append(c.Frames, f), append(c.Readings, r)
		c.Mark = city.Mark{Frame: n + 1, Reading: n + 1}
	}
	if err := s.store.Commit(ctx, &c); err != nil {
		t.Fatal(err)
	}
	at := func(n int) time.Time { return c.Readings[n-1].Received }
	const sink = "influx:a/b"
	equal(t, "nothing is too old", get[city.SpoolLoss](t)(s.store.GiveUp(ctx, sink, at(1), 0)), city.SpoolLoss{})
	equal(t, "no bound", get[city.SpoolLoss](t)(s.store.GiveUp(ctx, sink, time.Time{}, 0)), city.SpoolLoss{})
	equal(t, "too old", get[city.SpoolLoss](t)(s.store.GiveUp(ctx, sink, at(3), 0)), city.SpoolLoss{Sink: sink, First: 1, Last: 2, Readings: 2, From: at(1), To: at(2)})
	equal(t, "cursor", get[int64](t)(s.store.Cursor(ctx, sink)), int64(2))
	equal(t, "too many", get[city.SpoolLoss](t)(s.store.GiveUp(ctx, sink, time.Time{}, 3)), city.SpoolLoss{Sink: sink, First: 3, Last: 3, Readings: 1, From: at(3), To: at(3)})
	equal(t, "not too many", get[city.SpoolLoss](t)(s.store.GiveUp(ctx, sink, time.Time{}, 3)), city.SpoolLoss{})
	equal(t, "all", get[city.SpoolLoss](t)(s.store.GiveUp(ctx, sink, at(6).Add(time.Hour), 100)), city.SpoolLoss{Sink: sink, First: 4, Last: 6, Readings: 3, From: at(4), To: at(6)})
	equal(t, "the readings stay", len(get[[]city.Reading](t)(s.store.ReadingsAfter(ctx, 0, 10))), 6)
}

// chosenAsides lists, counts and drops by each part of a filter.
func (s *suite) chosenAsides(t *testing.T) {
	ctx := t.Context()
	other := Device
	other[7] = 9
	entry := func(key uint64, reason city.Reason, server string, dev city.EUI, hour int) city.SetAside {
		return city.SetAside{Key: key, Server: server, Topic: "t", Body: []byte("b"), Reason: reason, DevEUI: dev, Received: noon.Add(time.Duration(hour) * time.Hour)}
	}
	s.commit(t, &city.Commit{Aside: []city.SetAside{
		entry(1<<63+1, city.ReasonMalformed, "a", city.EUI{}, 0), entry(2, city.ReasonUndecodable, "a", Device, 1),
		entry(3, city.ReasonUndecodable, "b", Device, 2), entry(4, city.ReasonUnknownDevice, "b", other, 3),
	}})
	s.commit(t, &city.Commit{Aside: []city.SetAside{entry(4, city.ReasonUnknownDevice, "b", other, 4)}})
	for _, c := range []struct {
		name   string
		filter city.AsideFilter
		keys   []uint64
		counts []city.AsideCount
	}{
		{"all", city.AsideFilter{}, []uint64{1<<63 + 1, 2, 3, 4}, []city.AsideCount{{Reason: city.ReasonUndecodable, Messages: 2, Arrivals: 2},
			{Reason: city.ReasonMalformed, Messages: 1, Arrivals: 1}, {Reason: city.ReasonUnknownDevice, Messages: 1, Arrivals: 2}}},
		{"keys", city.AsideFilter{Keys: []uint64{1<<63 + 1, 3, 77}}, []uint64{1<<63 + 1, 3}, nil},
		{"reasons", city.AsideFilter{Reasons: []city.Reason{city.ReasonMalformed, city.ReasonUnknownDevice}}, []uint64{1<<63 + 1, 4}, nil},
		{"server", city.AsideFilter{Server: "a"}, []uint64{1<<63 + 1, 2}, nil},
		{"device", city.AsideFilter{DevEUI: other}, []uint64{4}, []city.AsideCount{{Reason: city.ReasonUnknownDevice, Messages: 1, Arrivals: 2}}},
		{"seen from", city.AsideFilter{From: noon.Add(2 * time.Hour)}, []uint64{3, 4}, nil},
		{"seen before", city.AsideFilter{To: noon.Add(2 * time.Hour)}, []uint64{1<<63 + 1, 2}, nil},
		{"two together", city.AsideFilter{Server: "b", Reasons: []city.Reason{city.ReasonUndecodable}}, []uint64{3}, nil},
		{"none", city.AsideFilter{Server: "c"}, nil, nil},
	} {
		var keys []uint64
		for _, a := range get[[]city.SetAside](t)(s.store.AsidesAfter(ctx, c.filter, time.Time{}, 0, 10)) {
			keys = append(keys, a.Key)
		}
		equal(t, c.name, keys, c.keys)
		if counts := get[[]city.AsideCount](t)(s.store.AsideCounts(ctx, c.filter)); c.counts != nil {
			equal(t, c.name+", counted", counts, c.counts)
		}
	}
	equal(t, "dropped", get[int64](t)(s.store.DropAsides(ctx, city.AsideFilter{DevEUI: Device})), int64(2))
	equal(t, "left", len(get[[]city.SetAside](t)(s.store.AsidesAfter(ctx, city.AsideFilter{}, time.Time{}, 0, 10))), 2)
}

func (s *suite) cursors(t *testing.T) {
	ctx := t.Context()
	equal(t, "first", get[int64](t)(s.store.Cursor(ctx, "influx")), int64(0))
	must(t, s.store.SetCursor(ctx, "influx", 42))
	must(t, s.store.Refuse(ctx, "influx", 7, "field type conflict"))
	must(t, s.store.Refuse(ctx, "influx", 7, "field type conflict"))
	s.reopen(t)
	equal(t, "kept", get[int64](t)(s.store.Cursor(ctx, "influx")), int64(42))
}

// When devices were heard last is that of their newest session's highest counter, in
// whatever order frames came.
func (s *suite) lastHeard(t *testing.T) {
	ctx := t.Context()
	equal(t, "nobody", get[map[city.EUI]time.Time](t)(s.store.LastHeard(ctx)), map[city.EUI]time.Time{})
	var c city.Commit
	want := map[city.EUI]time.Time{}
	for i, devEUI := range []city.EUI{{1}, Device, {0xff, 0xff}} {
		for n := int64(1); n <= 3; n++ {
			f, _ := Frame(int64(i)*10+n, uint32(3-n)) // the newest session came first
			f.Uplink.DevEUI = devEUI
			if c.Frames = append(c.Frames, f); n == 1 {
				want[devEUI] = f.Uplink.Received
			}
		}
	}
	c.Mark = city.Mark{Frame: 23}
	s.commit(t, &c)
	s.reopen(t)
	equal(t, "everybody", get[map[city.EUI]time.Time](t)(s.store.LastHeard(ctx)), want)
	last, found, err := s.store.LastFrame(ctx, Device)
	must(t, err)
	equal(t, "newest frame", last, c.Frames[3])
	equal(t, "found", found, true)
	_, found, err = s.store.LastFrame(ctx, city.EUI{2})
	must(t, err)
	equal(t, "found another", found, false)
}

// What was stored can be decoded again: frames come back whole, and a reading can take the
// place of another.
func (s *suite) archive(t *testing.T) {
	ctx := t.Context()
	var c city.Commit
	for n := int64(1); n <= 5; n++ {
		f, r := Frame(n, 1)
		c.Frames, c.Readings = append(c.Frames, f), append(c.Readings, r)
	}
	c.Frames[1].Uplink.Encrypted = true
	c.Frames[1].Uplink.Envelope = &city.Envelope{KEKLabel: `stadt "1" ä`, Wrapped: []byte{0, 0xff, 7}, DevAddr: [4]byte{0, 1, 0xfe, 0xff}}
	c.Frames[2].Uplink.Encrypted = true // and no key came with it
	c.Frames[3].Claim, c.Frames[3].Conflict = noon.Add(time.Hour), true
	c.Frames[3].Uplink.Time.Source = city.TimeEstimated
	c.Frames[3].Uplink.Heard = []city.Reception{{Gateway: `gw "1", ä`, RSSI: -118, SNR: -7.5}, {RSSI: 3, SNR: 0.1}}
	c.Readings[3].Conflict, c.Readings[3].Time.Source = true, city.TimeEstimated
	c.Readings[3].Former = []time.Time{noon, noon.Add(1)}
	c.Readings[4].Time.Source, c.Frames[4].Uplink.Time.Source = city.TimeGPS, city.TimeGPS
	c.Mark = city.Mark{Frame: 5, Reading: 5}
	s.commit(t, &c)
	s.reopen(t)
	equal(t, "frames", get[[]city.Frame](t)(s.store.FramesOf(ctx, Device, 0, 10)), c.Frames)
	equal(t, "frames after the third", get[[]city.Frame](t)(s.store.FramesOf(ctx, Device, 3, 1)), c.Frames[3:4])
	// A frame from before envelopes were kept gets its own when its message is replayed.
	c.Frames[2].Uplink.Envelope = c.Frames[1].Uplink.Envelope
	s.commit(t, &city.Commit{Mark: c.Mark, Frames: c.Frames[2:3]})
	equal(t, "frame with its envelope", get[[]city.Frame](t)(s.store.FramesOf(ctx, Device, 2, 1)), c.Frames[2:3])
	equal(t, "frames of another", len(get[[]city.Frame](t)(s.store.FramesOf(ctx, city.EUI{1}, 0, 10))), 0)
	equal(t, "series", get[[]city.Reading](t)(s.store.Series(ctx, "PK-1", nil, 10)), c.Readings)
	equal(t, "series after the third", get[[]city.Reading](t)(s.store.Series(ctx, "PK-1", &c.Readings[2], 1)), c.Readings[3:4])
	at := func(asset string, devEUI city.EUI) []city.Reading {
		return get[[]city.Reading](t)(s.store.ReadingsAt(ctx, asset, devEUI, c.Readings[1].Time.At))
	}
	equal(t, "reading at its time", at("PK-1", Device), c.Readings[1:2])
	equal(t, "reading at another asset", len(at("PK-2", Device)), 0)
	equal(t, "reading of another device", len(at("PK-1", city.EUI{1})), 0)

	s.amended(t, c.Frames[0])

	now := c.Readings[1]
	now.ID, now.Values, now.Poorer = 6, []city.Value{{Quantity: city.FillLevel, Number: 99}}, true
	s.commit(t, &city.Commit{Mark: city.Mark{Reading: 6}, Readings: []city.Reading{now}, Replaced: []int64{2}})
	equal(t, "in its place", at("PK-1", Device), []city.Reading{now})
	equal(t, "readings in all", len(get[[]city.Reading](t)(s.store.ReadingsAfter(ctx, 0, 10))), 5)

	// Another device at the same asset and time: neither gets lost between two pages.
	other := c.Readings[2]
	other.ID, other.DevEUI = 7, city.EUI{1}
	s.commit(t, &city.Commit{Mark: city.Mark{Reading: 7}, Readings: []city.Reading{other}})
	equal(t, "series of two devices", get[[]city.Reading](t)(s.store.Series(ctx, "PK-1", &c.Readings[2], 2)), []city.Reading{other, c.Readings[3]})
}

// amended changes what is kept of a frame's time and receptions.
func (s *suite) amended(t *testing.T, f city.Frame) {
	ctx, u := t.Context(), &f.Uplink
	heard := func() city.Uplink {
		t.Helper()
		u, found, err := s.store.Heard(ctx, f.ID)
		must(t, err)
		equal(t, "found", found, true)
		return u
	}
	equal(t, "heard", heard(), city.Uplink{Radio: u.Radio})
	if _, found, err := s.store.Heard(ctx, 999); found || err != nil {
		t.Errorf("a frame that is not stored was heard: %v, %v", found, err)
	}
	f.Claim, u.Time = u.Time.At, city.Stamp{At: noon.Add(-time.Hour), Source: city.TimeEstimated}
	u.Radio.RSSI, u.Radio.SNR, u.Radio.Gateways, u.Radio.Gateway = -60, 9.5, 3, "b"
	u.Heard = []city.Reception{{Gateway: "a", RSSI: -118, SNR: -7.5}, {Gateway: "b", RSSI: -60, SNR: 9.5}}
	c := &city.Commit{
		Mark:    city.Mark{Frame: 5, Reading: 5},
		Retimed: []city.Retimed{{Frame: f.ID, Time: u.Time, Claim: f.Claim}},
		Reheard: []city.Reheard{{Frame: f.ID, Radio: u.Radio, Heard: u.Heard}},
	}
	s.commit(t, c)
	s.commit(t, c)
	equal(t, "amended", get[[]city.Frame](t)(s.store.FramesOf(ctx, Device, 0, 1)), []city.Frame{f})
	equal(t, "heard after that", heard(), city.Uplink{Radio: u.Radio, Heard: u.Heard})
	s.commit(t, &city.Commit{Sessions: []city.Session{{DevEUI: Device, Epoch: 1, Cause: city.SessionFirst, Opened: noon}}})
	want := city.FrameKey{ID: f.ID, Epoch: 1, FCnt: u.FCnt, Ident: u.Ident, Hash: f.Hash, At: u.Time.At, Fate: f.Fate,
		Source: city.TimeEstimated, Claim: f.Claim, Received: u.Received}
	k, _, err := s.store.Frame(ctx, Device, 1, u.FCnt, u.Ident)
	must(t, err)
	equal(t, "found", k, want)
	equal(t, "remembered", get[city.DeviceMemory](t)(s.store.Memory(ctx, Device)).Frames[0], want)
}
