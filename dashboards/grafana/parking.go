package grafana

// parking is for who looks after parking space.
func (m maker) parking() *Board {
	s := m.sheet("parken", "Stellplätze", "Frei oder belegt, und wie es wechselt. Gemessen wird nur, ob etwas auf dem Platz steht; kein Kennzeichen, keine Person.", "24h")
	s.choose(parkingKind)
	free := yesNo("belegt", "red", "frei", "green")
	s.put(stat("Frei", "So viele der gewählten Stellplätze waren zuletzt frei.",
		m.ask(tally{parkingKind, "asset", occupied, "= false", anlage}), defaults{NoValue: "0", Thresholds: bands("red", 1.0, "green")}), 8, 4)
	s.put(stat("Belegt", "So viele der gewählten Stellplätze waren zuletzt belegt.",
		m.ask(tally{parkingKind, "asset", occupied, "= true", anlage}), defaults{NoValue: "0"}), 8, 4)
	s.put(stat("Mit Messwert", "So viele der gewählten Stellplätze haben im Zeitraum gesendet. Die übrigen sind unbekannt, nicht frei.",
		m.ask(tally{parkingKind, "asset", occupied, "", anlage}), defaults{NoValue: "0"}), 8, 4)

	question := newest{parkingKind, "asset", []string{occupied}, nil, anlage}
	s.put(m.worldMap("Wo etwas frei ist", "Letzter Zustand im Zeitraum.", question, places{parkingKind, anlage}, occupied,
		defaults{Mappings: free, Thresholds: bands("text")}, []override{on(occupied, title("Zustand"))}), 12, 14)
	columns := append(m.placeColumns(), on(occupied, title("Zustand"), property{"mappings", free}, property{"custom.cellOptions", cell{"color-text", "basic"}}))
	list := table("Zuletzt gemeldet", "Letzter Zustand im Zeitraum, und seit wann er bekannt ist.",
		m.ask(question, places{parkingKind, anlage}), append(columns, hidden("latitude", "longitude")...), "Gemessen", true)
	list.Transformations = joined()
	s.put(list, 12, 14)
	s.put(bars("Ankünfte je Stunde", "Wechsel von frei zu belegt auf allen gewählten Stellplätzen.",
		m.ask(trend{measurement: parkingKind, field: duration, with: "count", every: "1h", asset: anlage, yes: occupied}),
		defaults{Unit: "none", Decimals: digits(0), Min: number(0)}, called("Ankünfte")), 24, 7)
	states := timeline("Zustand", "Je Stellplatz. Vor der ersten Meldung im Zeitraum ist der Zustand unbekannt. Nur für den Dienstgebrauch: Standzeiten einzelner Fahrzeuge sind nicht zu veröffentlichen.",
		m.ask(states{parkingKind, occupied, anlage}), defaults{DisplayName: "${__field.labels.asset}", Mappings: free, Thresholds: bands("text")})
	s.put(states, 24, 14)
	return s.board
}
