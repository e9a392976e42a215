package devices

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"meldefunk/city"
	"meldefunk/city/typo"
)

// maxText is the longest text of an inventory, in characters.
const maxText = 200

// parseText checks that a text can be shown in one line of a table.
func parseText(text string) (string, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", fmt.Errorf("%.40q has line breaks or control characters: want one line", text)
	}
	if n := utf8.RuneCountInString(text); n > maxText {
		return "", fmt.Errorf("has %d characters: want %d at most", n, maxText)
	}
	return text, nil
}

// parseEUI reads a DevEUI and says what spreadsheets and labels do to it.
func parseEUI(text string) (city.EUI, error) {
	e, err := city.ParseEUI(text)
	if err == nil {
		if e.IsZero() {
			return e, fmt.Errorf("%.40q is no device: want the 16 hex digits on its label", text)
		}
		return e, nil
	}
	plain := strings.NewReplacer("-", "", ":", "").Replace(text)
	switch {
	case strings.ContainsAny(plain, ".,+") && strings.ContainsAny(plain, "eE"):
		return e, fmt.Errorf("%.40q was made a number by a spreadsheet: format the column as text and enter the 16 hex digits again", text)
	case plain != "" && len(plain) < 16 && strings.Trim(plain, "0123456789abcdefABCDEF") == "":
		return e, fmt.Errorf("%.40q has %d of 16 hex digits (most significant byte first): a spreadsheet drops leading zeros unless the column is text", text, len(plain))
	}
	return e, err
}

// kindWords is what city lists call the kinds, the name first that all of Meldefunk uses.
func kindWords(k city.Kind) []string {
	switch k {
	case city.Bin:
		return []string{"bin", "papierkorb", "behälter", "behaelter", "abfallbehälter", "container"}
	case city.Soil:
		return []string{"soil", "baum", "boden", "grünfläche", "beet"}
	case city.Parking:
		return []string{"parking", "stellplatz", "parkplatz", "ladeplatz"}
	case city.Level:
		return []string{"level", "pegel", "wasserstand", "schacht", "becken", "gewässer", "gewaesser", "basin", "shaft"}
	case city.Weather:
		return []string{"weather", "wetterstation", "wetter"}
	case city.Air:
		return []string{"air", "luftgüte", "luftguete", "luftqualität", "luft"}
	case city.People:
		return []string{"people", "personenzählung", "personenzaehlung", "zählstelle", "zaehlstelle", "counter"}
	case city.Door:
		return []string{"door", "tür", "tuer", "klappe", "deckel", "tor", "lid", "gate"}
	case city.Tracker:
		return []string{"tracker", "fahrzeug", "anhänger", "anhaenger", "vehicle"}
	case city.Light:
		return []string{"light", "leuchte", "straßenleuchte", "strassenleuchte", "laterne", "lamp"}
	case city.Meter:
		return []string{"meter", "zähler", "zaehler", "wasserzähler", "wasserzaehler"}
	}
	return nil
}

// parseKind reads a kind in English or German, in any case.
func parseKind(text string) (city.Kind, error) {
	word := strings.ToLower(text)
	var all, first []string
	for _, k := range city.Kinds() {
		words := kindWords(k)
		if slices.Contains(words, word) {
			return k, nil
		}
		all = append(all, words...)
		first = append(first, words[0]+" ("+strings.Join(words[1:], ", ")+")")
	}
	return city.KindUnknown, fmt.Errorf("unknown kind %.40q: want one of %s%s", text, strings.Join(first, ", "), typo.Meant(word, all))
}

// parseLength reads a number with mm, cm or m and gives mm.
func parseLength(text string) (float64, error) {
	digits := text[:len(text)-len(strings.TrimLeft(text, "+-0123456789.,"))]
	factor := 0.0
	switch unit := strings.TrimSpace(text[len(digits):]); unit {
	case "mm":
		factor = 1
	case "cm":
		factor = 10
	case "m":
		factor = 1000
	case "":
		return 0, fmt.Errorf("%.40q has no unit: want mm, cm or m, like %q", text, "1500 mm")
	default:
		return 0, fmt.Errorf("unit %.20q does not fit: want mm, cm or m, like %q", unit, "1500 mm")
	}
	n, err := parseNumber(digits, false)
	if err != nil {
		return 0, err
	}
	if factor == 1 {
		return n, nil
	}
	// To the micrometre, so that 1.2 m and 1200 mm are the same.
	return math.Round(n*factor*1000) / 1000, nil
}

// parseNumber reads a number with a decimal point, or with a comma where that is allowed.
func parseNumber(text string, comma bool) (float64, error) {
	if strings.Contains(text, ",") {
		if !comma {
			return 0, fmt.Errorf("%.40q: want a decimal point; a comma is understood in CSV separated by semicolons only", text)
		}
		if strings.Contains(text, ".") || strings.Count(text, ",") > 1 {
			return 0, fmt.Errorf("%.40q: want one decimal comma or point and no separators for thousands", text)
		}
	}
	if text == "" || strings.Trim(text, "+-0123456789.,") != "" {
		return 0, fmt.Errorf("%.40q is not a plain number", text)
	}
	n, err := strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64)
	if err != nil {
		return 0, fmt.Errorf("%.40q is not a plain number", text)
	}
	return n, nil
}

// soilCalibration makes one of a German soil type, or of two measured shares; nil where
// nothing is given.
func soilCalibration(soilType string, fieldCapacity, wiltingPoint *float64) (*city.SoilCalibration, error) {
	switch {
	case soilType == "" && fieldCapacity == nil && wiltingPoint == nil:
		return nil, nil
	case soilType != "" && (fieldCapacity != nil || wiltingPoint != nil):
		return nil, errors.New("stands beside field_capacity or wilting_point: want the soil type, or both measured shares")
	case soilType != "":
		c, err := city.SoilOfType(soilType)
		return &c, err
	case fieldCapacity == nil || wiltingPoint == nil:
		return nil, errors.New("is missing, and so is one half of field_capacity and wilting_point: want the soil type, or both shares")
	case *wiltingPoint < 0 || *wiltingPoint >= *fieldCapacity || *fieldCapacity > 100:
		return nil, fmt.Errorf("field_capacity %g %% and wilting_point %g %%: want 0 ≤ wilting point < field capacity ≤ 100", *fieldCapacity, *wiltingPoint)
	}
	return &city.SoilCalibration{FieldCapacity: *fieldCapacity, WiltingPoint: *wiltingPoint}, nil
}
