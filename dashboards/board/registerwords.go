package board

import (
	"slices"
	"strings"
	"time"

	"meldefunk/city/register"
)

// deviceState is a state of a device in words; silent, and an asset without a device, are no
// states of the register.
type deviceState struct {
	Key, Word, Symbol string
	state             register.State
}

// Keys of what is seen and not kept.
const (
	stateSilent = "still"
	stateNone   = "ohne-geraet"
)

// deviceStates lists them, what needs somebody first.
func deviceStates() []deviceState {
	return []deviceState{
		{stateSilent, "still", "▲", ""},
		{"wartung", "in Wartung", "◆", register.Maintenance},
		{"geplant", "geplant", "◇", register.Planned},
		{"eingebaut", "eingebaut", "●", register.Installed},
		{"lager", "im Lager", "○", register.InStock},
		{stateNone, "Anlage ohne Gerät", "–", ""},
		{"ausgemustert", "ausgemustert", "✕", register.Retired},
	}
}

func deviceStateNamed(key string) (deviceState, bool) {
	all := deviceStates()
	i := slices.IndexFunc(all, func(s deviceState) bool { return s.Key == key })
	if i < 0 {
		return deviceState{}, false
	}
	return all[i], true
}

// keyOfState is the key of a state of the register.
func keyOfState(s register.State) string {
	switch s {
	case register.InStock:
		return "lager"
	case register.Planned:
		return "geplant"
	case register.Installed:
		return "eingebaut"
	case register.Maintenance:
		return "wartung"
	case register.Retired:
		return "ausgemustert"
	}
	return ""
}

// stateText is a state of the register in words, as in "ist im Lager".
func stateText(s register.State) string {
	if d, ok := deviceStateNamed(keyOfState(s)); ok {
		return d.Word
	}
	return string(s)
}

func trailWord(a register.Action) string {
	switch a {
	case register.Added:
		return "aufgenommen"
	case register.Altered:
		return "geändert"
	case register.Moved:
		return "umgehängt"
	case register.Replaced:
		return "ersetzt"
	case register.Withdrawn:
		return "ausgemustert"
	case register.KeysSet:
		return "Schlüssel gesetzt"
	case register.Rewrapped:
		return "Schlüssel neu verpackt"
	case register.Revealed:
		return "Schlüssel angezeigt"
	case register.Enrolled:
		return "Netzwerkserver mitgeteilt"
	case register.Removed:
		return "beim Netzwerkserver gelöscht"
	}
	return string(a)
}

// fieldWord is what people call a field of the register.
func fieldWord(name string) string {
	words := map[string]string{
		"asset": "Anlage", "state": "Zustand", "device": "Gerät", "since": "seit", "name": "Name", "address": "Adresse", "lat": "Breite", "lon": "Länge",
		"district": "Bezirk", "tour": "Tour", "owner": "Eigentümer", "species": "Baumart", "empty_mm": "Abstand leer in mm", "full_mm": "Abstand voll in mm",
		"offset_mm": "Einbauversatz in mm", "zero_mm": "Abstand zum Pegelnull in mm", "soil_type": "Bodenart", "field_capacity": "Feldkapazität in %",
		"wilting_point": "Welkepunkt in %", "asset_note": "Bemerkung", "groups": "Gruppen", "note": "Bemerkung", "kind": "Art", "model": "Modell",
		"serial": "Seriennummer", "server": "Netzwerkserver", "interval": "Sendeabstand", "keys": "Schlüssel", "shape": "Form", "height_mm": "Innendurchmesser in mm",
		"join_eui": "JoinEUI", "lorawan_version": "LoRaWAN-Version", "region": "Funkband", "class": "Klasse", "profile": "Profil", "firmware": "Firmware",
		"device_owner": "Eigentümer des Geräts", "photos": "Fotos", "points": "Peiltabelle", "offsets": "Korrekturen",
	}
	if w, known := words[name]; known {
		return w
	}
	return name
}

// trailRow is one entry of the audit trail.
type trailRow struct {
	At         moment
	Word       string
	By, Reason string
	Facts      []fact
}

func (b *Board) trailRows(entries []register.Entry, now time.Time) []trailRow {
	rows := make([]trailRow, len(entries))
	for i := range entries {
		e := &entries[i]
		rows[i] = trailRow{At: momentOf(e.At, now, b.opt.Location), Word: trailWord(e.Action), By: printable(e.By), Reason: printable(e.Reason)}
		for _, f := range e.Facts {
			rows[i].Facts = append(rows[i].Facts, fact{fieldWord(f.Field), b.became(f)})
		}
	}
	return rows
}

// became tells how a field is different: "PK-1 → PK-2".
func (b *Board) became(f register.Fact) string {
	say := func(text string) string {
		switch {
		case text == "":
			return "–"
		case f.Field == "state":
			return stateText(register.State(text))
		case f.Field == "keys":
			return "gesetzt"
		}
		if t, err := time.Parse(time.RFC3339, text); err == nil && f.Field == "since" {
			return clock(t, b.opt.Location)
		}
		return printable(text)
	}
	if f.Was == "" {
		return say(f.Is)
	}
	return strings.Join([]string{say(f.Was), say(f.Is)}, " → ")
}
