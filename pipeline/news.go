package pipeline

import (
	"fmt"

	"github.com/cespare/xxhash/v2"

	"meldefunk/city"
)

// newsKind says as what an event is kept; "": it is not.
func newsKind(k city.EventKind) city.DeviceEventKind {
	switch k {
	case city.EventJoin:
		return city.DeviceJoined
	case city.EventStatus:
		return city.DeviceStatus
	case city.EventAck:
		return city.DeviceAck
	case city.EventTxAck:
		return city.DeviceDownlink
	case city.EventLog:
		return city.DeviceLog
	case city.EventLocation:
		return city.DeviceLocated
	}
	return ""
}

// news keeps what a network server tells of a device in the inventory. Of others it is not
// kept: whoever has not the device cannot do anything about it, and there is no end of them.
func (r *Road) news(a *city.Arrival) {
	e := &a.Event
	kind := newsKind(e.Kind)
	if kind == "" {
		return
	}
	if _, _, found := r.parts.Inventory.Find(a.Message.Server, e.DevEUI); !found {
		return
	}
	r.commit.Events = append(r.commit.Events, city.DeviceEvent{
		DevEUI: e.DevEUI, Ident: e.Ident, At: r.cfg.eventTime(a.Message.Received, e.Time).At, Server: a.Message.Server,
		Kind: kind, Severity: e.Severity, Code: e.Code, Detail: e.Detail, Status: e.Status, Position: e.Position,
	})
}

// notice keeps what the road itself found odd about a frame. What identifies the frame
// identifies the event, so that the same frame is told of once, however often it comes.
func (r *Road) notice(u *city.Uplink, kind city.DeviceEventKind, severity city.Severity, code, detail string) {
	r.commit.Events = append(r.commit.Events, city.DeviceEvent{
		DevEUI: u.DevEUI, Ident: xxhash.Sum64String(fmt.Sprint(kind, " ", u.FCnt, " ", u.Ident)), At: u.Time.At, Server: u.Server,
		Kind: kind, Severity: severity, Code: code, Detail: detail,
	})
}
