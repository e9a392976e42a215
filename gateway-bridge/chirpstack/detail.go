package chirpstack

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"meldefunk/city"
)

// news is what events tell that are neither uplinks nor joins, in v3 and v4 alike.
type news struct {
	// Of status.
	Margin             int16   `json:"margin"` // dB above what the device needs to be heard
	ExternalPower      bool    `json:"externalPowerSource"`
	BatteryUnavailable bool    `json:"batteryLevelUnavailable"`
	BatteryLevel       float32 `json:"batteryLevel"` // %; 0 where one of the flags is set

	// Of ack.
	Acknowledged bool `json:"acknowledged"`

	// Of location.
	Location *position `json:"location"`
}

// position is a common.Location.
type position struct {
	Latitude  float64 `json:"latitude"`  // °
	Longitude float64 `json:"longitude"` // °
}

// readWire reads a field of an event of a kind. All but that of the location have the
// same number in v3 and v4.
func (n *news) readWire(w *wire, kind city.EventKind, location protowire.Number) {
	switch kind {
	case city.EventStatus:
		switch w.field {
		case 5:
			n.Margin = w.int16("margin")
		case 6:
			n.ExternalPower = w.bool("externalPowerSource")
		case 7:
			n.BatteryUnavailable = w.bool("batteryLevelUnavailable")
		case 8:
			n.BatteryLevel = w.float32("batteryLevel")
		}
	case city.EventAck:
		if w.field == 5 {
			n.Acknowledged = w.bool("acknowledged")
		}
	case city.EventLocation:
		if w.field == location {
			n.Location = new(position)
			w.message("location", func() {
				switch w.field {
				case 1:
					n.Location.Latitude = w.float64("location.latitude")
				case 2:
					n.Location.Longitude = w.float64("location.longitude")
				}
			})
		}
	}
}

// tell fills in what an event of a kind tells.
func (n *news) tell(ev *city.Event) error {
	switch ev.Kind {
	case city.EventStatus:
		status, err := n.status()
		ev.Status = status
		return err
	case city.EventAck:
		ev.Code = "ack"
		if !n.Acknowledged {
			ev.Code, ev.Severity = "nack", city.SeverityWarning
		}
	case city.EventTxAck:
		ev.Code = "sent"
	case city.EventLocation:
		if n.Location == nil {
			return nil
		}
		at := city.Position{Lat: n.Location.Latitude, Lon: n.Location.Longitude}
		if math.Abs(at.Lat) > 90 || math.Abs(at.Lon) > 180 {
			return malformed("location is %g %g: want a latitude from -90 to 90 and a longitude from -180 to 180", at.Lat, at.Lon)
		}
		ev.Position = &at
	}
	return nil
}

// status is what the device answered. Its margin has 6 bits, its battery 254 steps
// (LoRaWAN 1.0.4 section 5.5), so hundredths lose nothing.
func (n *news) status() (*city.Status, error) {
	if n.Margin < -32 || n.Margin > 31 {
		return nil, malformed("margin is %d: want -32 to 31", n.Margin)
	}
	s := &city.Status{Margin: int8(n.Margin), External: n.ExternalPower}
	if n.ExternalPower || n.BatteryUnavailable {
		return s, nil
	}
	if n.BatteryLevel < 0 || n.BatteryLevel > 100 {
		return nil, malformed("batteryLevel is %g: want 0 to 100", n.BatteryLevel)
	}
	s.Battery, s.HasBattery = math.Round(float64(n.BatteryLevel)*100)/100, true
	return s, nil
}

// maxCode bounds the code of an error event, in characters. ChirpStack's longest has 27.
const maxCode = 40

// report fills in an error event.
func report(ev *city.Event, severity city.Severity, code, text string) {
	ev.Severity, ev.Code, ev.Detail = severity, head(code, maxCode), head(text, 200)
}
