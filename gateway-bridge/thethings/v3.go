package thethings

import (
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"meldefunk/city"
)

// V3 is the dialect of The Things Stack v3, from its MQTT server or a pub/sub
// integration with format JSON. The messages are ttn.lorawan.v3.ApplicationUp.
type V3 struct{}

// Name is what the dialect is called in configuration and metrics.
func (V3) Name() string { return "the-things-stack-v3" }

// Topics gives the MQTT filters for everything of every device.
func (V3) Topics() []string { return []string{"v3/+/devices/+/#"} }

// Parse says what The Things Stack tells with a message. Topics that are not device
// events give EventOther, whatever the body is; of webhooks ("webhook/…") the body alone
// says what it is, because the operator chooses their paths. Of m.Body nothing is kept. An
// error is a *city.Rejection. The event time is that of the network server; what gateways
// claim is not used, because it is wrong too often (lorawan-stack issue 5585).
func (V3) Parse(m *city.Message) (city.Event, error) {
	kind := kindOf(m.Topic)
	posted := strings.HasPrefix(m.Topic, "webhook/")
	if kind == city.EventOther && !posted {
		return city.Event{}, nil
	}
	var e event
	if err := decode(m.Body, &e); err != nil {
		return city.Event{}, err
	}
	if posted {
		kind = e.kind()
	}
	if e.EndDeviceIDs.DevEUI.IsZero() {
		return city.Event{}, malformed("end_device_ids.dev_eui is missing: give device %.40q a DevEUI", e.EndDeviceIDs.DeviceID)
	}

	ev := city.Event{Kind: kind, DevEUI: e.EndDeviceIDs.DevEUI, Time: serverTime(e.ReceivedAt)}
	switch kind {
	case city.EventUp:
		up := e.UplinkMessage
		if up == nil {
			return city.Event{}, malformed("uplink_message is missing")
		}
		if err := up.check(); err != nil {
			return city.Event{}, err
		}
		ev.Time = serverTime(up.ReceivedAt, e.ReceivedAt)
		ev.Ident = up.ident()
		ev.Uplink = up.uplink(m, &ev, e.Simulated)
		envelope, err := up.AppSKey.envelope(e.EndDeviceIDs.DevAddr)
		if err != nil {
			return city.Event{}, err
		}
		ev.Uplink.Envelope = envelope
		return ev, nil
	case city.EventJoin:
		join := e.JoinAccept
		if join == nil {
			return city.Event{}, malformed("join_accept is missing")
		}
		if err := checkSession(join.SessionKeyID); err != nil {
			return city.Event{}, err
		}
		ev.Session = join.SessionKeyID
		ev.Time = serverTime(join.ReceivedAt, e.ReceivedAt)
	default:
		if err := e.tell(&ev); err != nil {
			return city.Event{}, err
		}
	}
	ev.Ident = ident(m.Body)
	return ev, nil
}

// kindOf reads v3/{application}/devices/{device}/{what}. Application and device are
// free text of the operator's and may be any word but contain no "/".
func kindOf(topic string) city.EventKind {
	part := strings.SplitN(topic, "/", 5)
	if len(part) < 5 || part[2] != "devices" {
		return city.EventOther
	}
	switch part[4] {
	case "up":
		return city.EventUp
	case "join":
		return city.EventJoin
	case "down/ack", "down/nack":
		return city.EventAck
	case "down/queued", "down/sent", "down/failed", "down/invalidated":
		return city.EventTxAck
	case "location/solved":
		return city.EventLocation
	}
	return city.EventOther
}

// serverTime takes the first time that was given; none at all is a zero Stamp.
func serverTime(times ...time.Time) city.Stamp {
	for _, t := range times {
		if !t.IsZero() {
			return city.Stamp{At: t.UTC(), Source: city.TimeServer}
		}
	}
	return city.Stamp{}
}

// ident makes the identity of a delivery from what identifies it; it is never 0.
func ident(b []byte) uint64 { return max(1, xxhash.Sum64(b)) }
