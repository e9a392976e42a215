package calendar

import (
	"fmt"
	"strings"
	"time"
)

var (
	germanDays   = [7]string{"So", "Mo", "Di", "Mi", "Do", "Fr", "Sa"}
	germanMonths = [13]string{"", "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September",
		"Oktober", "November", "Dezember"}
)

// German writes the window for people: "Mo, Di, Feiertage, 22:00 bis 06:00 Uhr, 1. April bis
// 31. Oktober".
func (w Window) German() string {
	var words []string
	for i := range 7 {
		if d := time.Weekday((i + 1) % 7); w.Days.Has(d) {
			words = append(words, germanDays[d])
		}
	}
	switch {
	case w.Days == 1<<7-1: // every day needs no list
		words = nil
	case w.Holidays:
		words = append(words, "Feiertage")
	}
	if w.NotHolidays {
		words = append(words, "außer an Feiertagen")
	}
	if w.From != 0 || w.To != 0 {
		words = append(words, fmt.Sprintf("%02d:%02d bis %02d:%02d Uhr", w.From/60, w.From%60, w.To/60, w.To%60))
	}
	switch {
	case w.FirstDay == (MonthDay{}):
	case w.FirstDay == w.LastDay:
		words = append(words, "am "+w.FirstDay.german())
	default:
		words = append(words, w.FirstDay.german()+" bis "+w.LastDay.german())
	}
	if w.First != (Date{}) {
		words = append(words, "ab "+w.First.german())
	}
	if w.Last != (Date{}) {
		words = append(words, "bis einschließlich "+w.Last.german())
	}
	if len(words) == 0 {
		return "immer"
	}
	return strings.Join(words, ", ")
}

func (a MonthDay) german() string { return fmt.Sprintf("%d. %s", a.Day, germanMonths[a.Month]) }

func (d Date) german() string { return fmt.Sprintf("%02d.%02d.%04d", d.Day, d.Month, d.Year) }
