package chirpstack

import (
	"fmt"
	"strings"

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

// detail puts an event into words, "" where its kind says it all.
func (n *news) detail(kind city.EventKind) string {
	switch kind {
	case city.EventStatus:
		battery := fmt.Sprintf("battery %.0f %%", n.BatteryLevel)
		switch {
		case n.ExternalPower:
			battery = "external power"
		case n.BatteryUnavailable:
			battery = "battery unknown"
		}
		return fmt.Sprintf("%s, margin %d dB", battery, n.Margin)
	case city.EventAck:
		if n.Acknowledged {
			return "acknowledged"
		}
		return "not acknowledged"
	case city.EventLocation:
		if n.Location == nil {
			return ""
		}
		return fmt.Sprintf("%.5f %.5f", n.Location.Latitude, n.Location.Longitude)
	}
	return ""
}

// logDetail joins code and text of an error event, at most 200 characters.
func logDetail(code, text string) string {
	return head(strings.Trim(code+": "+text, ": "), 200)
}
