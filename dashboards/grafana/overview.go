package grafana

// overview is what somebody looks at first: how it stands with everything.
func (m maker) overview() *Board {
	s := m.sheet("ueberblick", "Überblick", "Wie es steht: Behälter, Böden, Stellplätze, Geräte.", "24h")
	s.choose("")
	s.put(stat("Behälter ab 90 %", "So viele Behälter waren bei der letzten Messung im Zeitraum mindestens zu 90 % voll.",
		m.ask(tally{binKind, "asset", fillLevel, ">= 90", anlage}), defaults{NoValue: "0", Thresholds: bands("green", 1.0, "red")}), 6, 4)
	s.put(stat("Böden unter 30 % nFK", "So viele Bäume und Beete hatten bei der letzten Messung weniger als 30 % der nutzbaren Feldkapazität.",
		m.ask(tally{soilKind, "asset", nfk, "< 30", anlage}), defaults{NoValue: "0", Thresholds: bands("green", 1.0, "red")}), 6, 4)
	s.put(stat("Stellplätze belegt", "So viele Stellplätze waren zuletzt belegt. Ein Stellplatz, der im Zeitraum nichts gesendet hat, zählt nicht.",
		m.ask(tally{parkingKind, "asset", occupied, "= true", anlage}), defaults{NoValue: "0"}), 6, 4)
	s.put(stat("Stellplätze frei", "So viele Stellplätze waren zuletzt frei.",
		m.ask(tally{parkingKind, "asset", occupied, "= false", anlage}), defaults{NoValue: "0"}), 6, 4)
	s.put(m.worldMap("Füllstand der Behälter", "Letzter Füllstand im Zeitraum, wo der Behälter steht.",
		newest{binKind, "asset", []string{fillLevel}, nil, anlage}, places{binKind, anlage}, fillLevel,
		percent(binBands), []override{on(fillLevel, title("Füllstand"))}), 12, 12)
	s.put(m.worldMap("Feuchte der Böden", "Letzte nutzbare Feldkapazität (nFK) im Zeitraum, wo der Baum steht.",
		newest{soilKind, "asset", []string{nfk}, nil, anlage}, places{soilKind, anlage}, nfk,
		percent(soilBands), []override{on(nfk, title("nFK"))}), 12, 12)
	questions, names := heard([]kind{{binKind, "Behälter"}, {soilKind, "Boden"}, {parkingKind, "Stellplatz"}})
	s.put(bars("Messwerte je Stunde", "Wie viele Meldungen ankamen. Eine Lücke heißt: Funk, Netzserver oder Plattform standen.",
		m.ask(questions...), defaults{Unit: "none", Decimals: digits(0), Min: number(0)}, called(names...)), 24, 8)
	s.put(m.faultsTable(binKind, anlage), 24, 9)
	return s.board
}
