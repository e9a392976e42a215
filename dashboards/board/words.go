package board

import (
	"strings"

	"meldefunk/city"
)

// kindWord is the German word for a kind of asset, and how it is spelled in a URL.
func kindWord(k city.Kind) (word, key string) {
	key = "unbekannt"
	switch k {
	case city.Bin:
		key = "behaelter"
	case city.Soil:
		key = "boden"
	case city.Parking:
		key = "stellplatz"
	case city.Level:
		key = "wasserstand"
	case city.Weather:
		key = "wetterstation"
	case city.Air:
		key = "luftguete"
	case city.People:
		key = "zaehlstelle"
	case city.Door:
		key = "tuer"
	case city.Tracker:
		key = "fahrzeug"
	case city.Light:
		key = "leuchte"
	case city.Meter:
		key = "zaehler"
	}
	return k.German(), key
}

// quantityWord is what a quantity is called at assets of a kind, where it means more there
// than at others.
func quantityWord(k city.Kind, q city.Quantity) string {
	switch {
	case q == city.Temperature && (k == city.Weather || k == city.Air):
		return "Temperatur"
	case q == city.Distance && k == city.Level:
		return "Abstand zum Wasser"
	}
	return q.German()
}

func faultWords(faults []city.Fault) []string {
	words := make([]string, len(faults))
	for i, f := range faults {
		words[i] = f.German()
	}
	return words
}

func reasonWord(r city.Reason) string {
	switch r {
	case city.ReasonMalformed:
		return "fehlerhaft aufgebaut"
	case city.ReasonTooLarge:
		return "zu groß"
	case city.ReasonUnknownDevice:
		return "unbekanntes Gerät"
	case city.ReasonUndecodable:
		return "unlesbare Nutzdaten"
	case city.ReasonUnknownPort:
		return "unbekannter Port"
	case city.ReasonEncrypted:
		return "verschlüsselt, Schlüssel fehlt"
	case city.ReasonMIC:
		return "Prüfsumme passt zu keinem Schlüssel"
	case city.ReasonCounter:
		return "Zähler schon überholt"
	case city.ReasonThrottled:
		return "Gerät sendet zu viel"
	}
	return string(r)
}

// groupWord is how people call a group of assets: "Tour 5".
func groupWord(group string) string {
	sort, name, _ := strings.Cut(group, ":")
	words := map[string]string{"tour": "Tour", "street": "Straße", "district": "Bezirk", "gateway": "Gateway", "kind": "Alle:", "rule": "Regel"}
	if w, known := words[sort]; known {
		sort = w
	}
	return strings.TrimSpace(sort + " " + name)
}

func sourceWord(s city.TimeSource) string {
	switch s {
	case city.TimeEstimated:
		return "geschätzt aus Zähler und Sendeabstand"
	case city.TimeGPS:
		return "Satellitenzeit des Gateways"
	case city.TimeGateway:
		return "Uhr des Gateways"
	case city.TimeDevice:
		return "Uhr des Geräts"
	case city.TimeServer:
		return "Uhr des Netzwerkservers"
	}
	return "Ankunft hier"
}
