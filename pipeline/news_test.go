package pipeline_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"meldefunk/city"
)

// told makes an event of a device that is no uplink.
func (w *world) told(kind city.EventKind, ident uint64, at time.Duration, fill func(*city.Event)) city.Arrival {
	e := city.Event{Kind: kind, DevEUI: sensor, Ident: ident, Time: city.Stamp{At: start.Add(at), Source: city.TimeServer}}
	if fill != nil {
		fill(&e)
	}
	return city.Arrival{
		Message: city.Message{Server: "ns", Topic: "t", Body: fmt.Append(nil, kind, ident), Received: start.Add(at)},
		Event:   e, Acker: &w.acks,
	}
}

func (w *world) news() city.DeviceNews {
	w.t.Helper()
	news, err := w.store.DeviceNews(w.t.Context(), sensor, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	return news
}

// kinds lists the events of a device as kind, code, detail and count, oldest first.
func (w *world) kinds() []string {
	var all []string
	for _, e := range slices.Backward(w.news().Events) {
		all = append(all, fmt.Sprintf("%s %s %s %s x%d", e.Kind, e.Severity, e.Code, e.Detail, e.Count))
	}
	return all
}

func TestNewsIsKept(t *testing.T) {
	w := newWorld(t)
	status := &city.Status{Battery: 80, HasBattery: true, Margin: 7}
	position := &city.Position{Lat: 52.27, Lon: 8.04}
	unknown := w.told(city.EventStatus, 9, time.Minute, nil)
	unknown.Event.DevEUI = city.EUI{1}
	broken := w.told(city.EventStatus, 10, time.Minute, nil)
	broken.Event, broken.Err = city.Event{}, errors.New("not JSON")
	all := []city.Arrival{
		w.join("a", 0),
		w.told(city.EventStatus, 2, time.Minute, func(e *city.Event) { e.Status = status }),
		w.told(city.EventAck, 3, 2*time.Minute, func(e *city.Event) { e.Code, e.Severity = "nack", city.SeverityWarning }),
		w.told(city.EventTxAck, 4, 3*time.Minute, func(e *city.Event) { e.Code = "sent" }),
		w.told(city.EventLog, 5, 4*time.Minute, func(e *city.Event) { e.Code, e.Detail, e.Severity = "OTAA", "used", city.SeverityError }),
		w.told(city.EventLocation, 6, 5*time.Minute, func(e *city.Event) { e.Position = position }),
		w.told(city.EventOther, 7, 6*time.Minute, nil),
		unknown, broken,
	}
	w.carry(all...)
	w.carry(all[1:]...) // redelivered
	want := []string{"join info   x1", "status info   x1", "ack warning nack  x1", "txack info sent  x1", "log error OTAA used x1", "location info   x1"}
	if got := w.kinds(); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	news := w.news()
	if news.Status == nil || *news.Status != *status || !news.StatusAt.Equal(start.Add(time.Minute)) {
		t.Errorf("status %+v at %v", news.Status, news.StatusAt)
	}
	if news.Position == nil || *news.Position != *position || !news.LocatedAt.Equal(start.Add(5*time.Minute)) {
		t.Errorf("position %+v at %v", news.Position, news.LocatedAt)
	}
	if n := w.acks.n; n != len(all)+len(all)-1 {
		t.Errorf("%d acknowledged", n)
	}
}

// Where a network server tells no time, the same words later on are told again.
func TestNewsWithoutATime(t *testing.T) {
	w := newWorld(t)
	timeless := func(at time.Duration) city.Arrival {
		return w.told(city.EventLog, 5, at, func(e *city.Event) { e.Code, e.Time = "OTAA", city.Stamp{} })
	}
	w.carry(timeless(0))
	w.carry(timeless(time.Hour))
	if got := w.kinds(); !slices.Equal(got, []string{"log info OTAA  x2"}) {
		t.Errorf("got %q", got)
	}
	if at := w.news().Events[0].At; !at.Equal(start.Add(time.Hour)) {
		t.Errorf("told last at %v", at)
	}
}

// What the road itself finds odd about a frame is told once, however often the frame comes.
func TestNoticesOfTheRoad(t *testing.T) {
	w := newWorld(t)
	odd := []city.Arrival{
		w.up("a", 200, 10, 0),
		w.up("a", 3, 11, time.Minute),     // counts anew
		w.up("a", 3, 12, 2*time.Minute),   // the same counter, other content
		w.up("a", 4, 0xff, 3*time.Minute), // no fill level
		w.up("a", 5, 13, 4*time.Minute),   // nothing odd
	}
	w.carry(odd...)
	w.carry(odd...)
	want := []string{"reset warning  3 after 200 x1", "conflict warning  3 x1", "aside error undecodable ff is no fill level x1"}
	if got := w.kinds(); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}
