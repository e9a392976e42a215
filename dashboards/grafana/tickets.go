package grafana

// tickets is how it stands with what people are asked to do. InfluxDB has no tickets: these
// are the platform's counts from Prometheus. The tickets themselves are on the board.
func (m maker) tickets() *Board {
	s := m.sheet("meldungen", "Meldungen und Tickets", "Was die Regeln öffnen und schließen, und ob die Ticketsysteme mitkommen. Die Meldungen selbst stehen auf der Tafel.", "7d")
	if m.cfg.Board != "" {
		s.board.Links = append(s.board.Links, boardLink{Title: "Meldungen auf der Tafel", Type: "link", Icon: "bell", URL: m.cfg.Board + "/meldungen", Tags: []string{}, TargetBlank: true})
	}
	in := func(name string) string { return "sum(increase(" + name + "[$__range]))" }
	s.put(stat("Geöffnet", "Von Regeln im Zeitraum geöffnet.", m.now(metric{in("meldefunk_road_cases_opened_total"), ""}), defaults{}), 6, 4)
	s.put(stat("Geschlossen", "Von Regeln im Zeitraum geschlossen.", m.now(metric{in("meldefunk_road_cases_closed_total"), ""}), defaults{}), 6, 4)
	s.put(stat("Von der Bremse gehalten", "So viele Meldungen warten, weil eine Regel ungewöhnlich viele auf einmal öffnet.",
		m.now(metric{"sum(meldefunk_road_held_cases)", ""}), defaults{Thresholds: bands("green", 1.0, "red")}), 6, 4)
	s.put(stat("Ticketsysteme nicht erreichbar", "Es geht nichts verloren: was wartet, wird nachgeholt.",
		m.now(metric{"sum(meldefunk_ticket_system_down)", ""}), defaults{Thresholds: bands("green", 1.0, "red")}), 6, 4)
	s.put(bars("Geöffnet und geschlossen je Stunde", "Von Regeln. Weichen beide auf Dauer ab, wird die Liste länger.",
		m.over(metric{"sum(increase(meldefunk_road_cases_opened_total[1h]))", "geöffnet"}, metric{"sum(increase(meldefunk_road_cases_closed_total[1h]))", "geschlossen"}),
		defaults{Unit: "none", Decimals: digits(0), Min: number(0)}, nil), 24, 8)
	s.put(bars("Tickets nach Zustand", "In welchen Zustand Tickets kamen, je Stunde und Ticketsystem.",
		m.over(metric{"sum by (system, state) (increase(meldefunk_ticket_moves_total[1h])) > 0", "{{system}}: {{state}}"}),
		defaults{Unit: "none", Decimals: digits(0), Min: number(0)}, nil), 12, 8)
	s.put(bars("Aufrufe der Ticketsysteme", "Nach Ergebnis, je Stunde. „retry“ und „unsure“ werden wiederholt, „refused“ muss jemand ansehen.",
		m.over(metric{"sum by (system, result) (increase(meldefunk_ticket_calls_total[1h])) > 0", "{{system}}: {{result}}"}),
		defaults{Unit: "none", Decimals: digits(0), Min: number(0)}, nil), 12, 8)
	reach := timeline("Erreichbarkeit", "Je Ticketsystem.", m.over(metric{"meldefunk_ticket_system_down", "{{system}}"}),
		defaults{Thresholds: bands("text"), Mappings: []mapping{{Type: "value", Options: map[string]shownAs{
			"0": {Text: "erreichbar", Color: "green", Index: 0}, "1": {Text: "nicht erreichbar", Color: "red", Index: 1},
		}}}})
	s.put(reach, 12, 7)
	s.put(table("Einrichtung der Ticketsysteme", "Ob ein Ticketsystem alle Kategorien hat, die ihm geschickt werden, nach der letzten Prüfung.",
		m.instantTable("meldefunk_ticket_system_as_configured"),
		append(hidden("Time", "__name__", "instance", "job"), on("system", title("Ticketsystem")), on("Value", title("Einrichtung"), property{"mappings", []mapping{{Type: "value", Options: map[string]shownAs{
			"0": {Text: "unvollständig", Color: "red", Index: 0}, "1": {Text: "in Ordnung", Color: "green", Index: 1},
		}}}})), "Ticketsystem", false), 12, 7)
	s.put(bars("Was Menschen an Tickets wollten", "Aufträge über Tafel und Befehlszeile, je Stunde, nach Art und Ergebnis.",
		m.over(metric{"sum by (kind, result) (increase(meldefunk_ticket_wishes_total[1h])) > 0", "{{kind}}: {{result}}"}),
		defaults{Unit: "none", Decimals: digits(0), Min: number(0)}, nil), 24, 7)
	return s.board
}

// instantTable asks Prometheus for present values as a table, labels as columns.
func (m maker) instantTable(expr string) []target {
	targets := m.now(metric{expr, ""})
	targets[0].Format = "table"
	return targets
}
