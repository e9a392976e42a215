package board

import (
	"time"

	"meldefunk/city"
)

// newsRows is how many events an asset's page lists of each device.
const newsRows = 20

// newsRow is one thing told of a device.
type newsRow struct {
	At      moment
	Who     string // "Netzwerkserver" or "Meldefunk"
	Word    string
	Detail  string // what the network server says, in its language
	Times   string // "3-mal", "" for once
	Trouble bool
}

// newsFacts are the newest status and position of a device.
func (b *Board) newsFacts(n *city.DeviceNews, now time.Time) []fact {
	var all []fact
	since := func(t time.Time) string { return " (" + momentOf(t, now, b.opt.Location).Age + ")" }
	if n.Status != nil {
		all = append(all, fact{"Status", statusWord(n.Status) + since(n.StatusAt)})
	}
	if n.Position != nil {
		all = append(all, fact{"Vom Netzwerkserver geortet", coordinates(n.Position.Lat, n.Position.Lon) + since(n.LocatedAt)})
	}
	return all
}

func (b *Board) newsRows(events []city.DeviceEvent, now time.Time) []newsRow {
	var all []newsRow
	for i := range events {
		e := &events[i]
		row := newsRow{At: momentOf(e.At, now, b.opt.Location), Who: "Netzwerkserver", Word: newsWord(e), Detail: e.Detail,
			Trouble: e.Severity == city.SeverityError}
		switch e.Kind {
		case city.DeviceReset, city.DeviceConflict, city.DeviceAside:
			row.Who = "Meldefunk"
		}
		if e.Kind == city.DeviceReset || e.Kind == city.DeviceConflict {
			row.Detail = "" // the counters, which the word does not need
		}
		if e.Count > 1 {
			row.Times = count(e.Count) + "-mal"
		}
		all = append(all, row)
	}
	return all
}

func statusWord(s *city.Status) string {
	battery := "Batteriestand unbekannt"
	switch {
	case s.External:
		battery = "Strom von außen"
	case s.HasBattery:
		battery = "Batterie" + nbsp + number(s.Battery, 0) + nbsp + "%"
	}
	return battery + ", Funkreserve" + nbsp + number(float64(s.Margin), 0) + nbsp + "dB"
}

// newsWord says in German what an event is about.
func newsWord(e *city.DeviceEvent) string {
	switch e.Kind {
	case city.DeviceJoined:
		return "angemeldet, neue Sitzung"
	case city.DeviceStatus:
		if e.Status != nil {
			return statusWord(e.Status)
		}
		return "Status"
	case city.DeviceAck:
		if e.Code == "nack" {
			return "Befehl an das Gerät nicht bestätigt"
		}
		return "Befehl an das Gerät bestätigt"
	case city.DeviceDownlink:
		return downlinkWord(e.Code)
	case city.DeviceLocated:
		if e.Position != nil {
			return "geortet: " + coordinates(e.Position.Lat, e.Position.Lon)
		}
		return "geortet"
	case city.DeviceReset:
		return "Zähler zurückgesetzt ohne neue Anmeldung"
	case city.DeviceConflict:
		return "gleicher Zähler, anderer Inhalt"
	case city.DeviceAside:
		return "Nachricht zurückgestellt: " + reasonWord(city.Reason(e.Code))
	case city.DeviceLog:
		return logWord(e.Code)
	}
	return string(e.Kind)
}

func downlinkWord(code string) string {
	switch code {
	case "queued":
		return "Befehl an das Gerät wartet"
	case "failed":
		return "Befehl an das Gerät gescheitert"
	case "invalidated":
		return "wartende Befehle an das Gerät verworfen"
	}
	return "Befehl an das Gerät gesendet"
}

// logWord puts the codes of ChirpStack v4 and v3, which differ in spelling, into words. A
// code of later versions is shown as it is.
func logWord(code string) string {
	switch code {
	case "UPLINK_F_CNT_RETRANSMISSION", "UPLINK_FCNT_RETRANSMISSION":
		return "Nachricht wiederholt empfangen"
	case "UPLINK_F_CNT_RESET", "UPLINK_FCNT_RESET":
		return "Zähler zurückgesetzt, Nachricht verworfen"
	case "UPLINK_CODEC":
		return "Dekodierung im Netzwerkserver gescheitert"
	case "DOWNLINK_CODEC":
		return "Befehl im Netzwerkserver nicht kodierbar"
	case "UPLINK_MIC":
		return "Prüfcode falsch, Schlüssel prüfen"
	case "OTAA":
		return "Anmeldung abgelehnt"
	case "DOWNLINK_PAYLOAD_SIZE":
		return "Befehl an das Gerät zu lang"
	case "DOWNLINK_GATEWAY":
		return "Gateway hat einen Befehl nicht gesendet"
	case "F_CNT_DOWN", "DOWNLINK_FCNT":
		return "Zähler der Befehle an das Gerät passt nicht"
	case "EXPIRED":
		return "Befehl an das Gerät abgelaufen"
	case "RELAY_NEW_END_DEVICE":
		return "über ein neues Relais gehört"
	case "", "UNKNOWN":
		return "Fehler ohne Angabe"
	}
	return code
}
