package thethings

import (
	"math"

	"meldefunk/city"
)

// failure says why a downlink will not be sent.
type failure struct {
	Error struct {
		Name          string `json:"name"`
		MessageFormat string `json:"message_format"`
	} `json:"error"`
}

// solved is a position that a location service worked out.
type solved struct {
	Location *struct {
		Latitude  float64 `json:"latitude"`  // °
		Longitude float64 `json:"longitude"` // °
	} `json:"location"`
}

// tell fills in what an event tells that is neither an uplink nor a join.
func (e *event) tell(ev *city.Event) error {
	switch {
	case ev.Kind == city.EventAck && bool(e.DownlinkNack):
		ev.Code, ev.Severity = "nack", city.SeverityWarning
	case ev.Kind == city.EventAck && bool(e.DownlinkAck):
		ev.Code = "ack"
	case ev.Kind == city.EventTxAck && e.DownlinkFailed != nil:
		ev.Code, ev.Severity = "failed", city.SeverityError
		ev.Detail = e.DownlinkFailed.words()
	case ev.Kind == city.EventTxAck && bool(e.DownlinkInvalidated):
		ev.Code, ev.Severity = "invalidated", city.SeverityWarning
	case ev.Kind == city.EventTxAck && bool(e.DownlinkQueued):
		ev.Code = "queued"
	case ev.Kind == city.EventTxAck && bool(e.DownlinkSent):
		ev.Code = "sent"
	case ev.Kind == city.EventLocation && e.LocationSolved != nil && e.LocationSolved.Location != nil:
		at := city.Position{Lat: e.LocationSolved.Location.Latitude, Lon: e.LocationSolved.Location.Longitude}
		if math.Abs(at.Lat) > 90 || math.Abs(at.Lon) > 180 {
			return malformed("location is %g %g: want a latitude from -90 to 90 and a longitude from -180 to 180", at.Lat, at.Lon)
		}
		ev.Position = &at
	}
	return nil
}

// words joins the name of an error with its text, in which values are named, not filled in.
func (f *failure) words() string {
	if f.Error.Name == "" || f.Error.MessageFormat == "" {
		return head(f.Error.Name+f.Error.MessageFormat, 200)
	}
	return head(f.Error.Name+": "+f.Error.MessageFormat, 200)
}
