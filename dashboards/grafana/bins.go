package grafana

// bins is for who empties.
func (m maker) bins() *Board {
	s := m.sheet("behaelter", "Behälter", "Füllstände: was voll ist, wo es steht, wie es dazu kam.", "24h")
	s.choose(binKind)
	s.chooseOne(binKind, "Im Verlauf")
	full := func(from string, colors *thresholds) panel {
		return stat("Ab "+from+" %", "So viele Behälter waren bei der letzten Messung im Zeitraum mindestens so voll.",
			m.ask(tally{binKind, "asset", fillLevel, ">= " + from, anlage}), defaults{NoValue: "0", Thresholds: colors})
	}
	s.put(full("90", bands("green", 1.0, "red")), 6, 4)
	s.put(full("70", bands("green", 1.0, "orange")), 6, 4)
	s.put(stat("Mittlerer Füllstand", "Mittel der letzten Füllstände aller gewählten Behälter.",
		m.ask(middle{binKind, fillLevel, anlage}), percent(binBands)), 6, 4)
	s.put(stat("Mit Messwert", "So viele der gewählten Behälter haben im Zeitraum einen Füllstand gemeldet.",
		m.ask(tally{binKind, "asset", fillLevel, "", anlage}), defaults{NoValue: "0"}), 6, 4)

	question := newest{binKind, "asset", []string{fillLevel}, nil, anlage}
	columns := append(m.placeColumns(), gauge(fillLevel, "Füllstand", binBands))
	s.put(m.worldMap("Wo sie stehen", "Letzter Füllstand im Zeitraum.", question, places{binKind, anlage}, fillLevel,
		percent(binBands), []override{on(fillLevel, title("Füllstand"))}), 12, 14)
	list := table("Vollste zuerst", "Letzter Füllstand im Zeitraum. Die Arbeitsliste mit Vorhersage steht auf der Tafel.",
		m.ask(question, places{binKind, anlage}), append(columns, hidden("latitude", "longitude")...), "Füllstand", true)
	list.Transformations = joined()
	s.put(list, 12, 14)
	s.put(lines("Alle gewählten", "Mittel, niedrigster und höchster Füllstand aller gewählten Behälter.",
		m.ask(spread(binKind, fillLevel)...), percent(binBands), called(spreadNames...)), 24, 8)
	s.put(lines("Füllstand: $einzeln", "Verlauf des Behälters, der oben unter „Im Verlauf“ gewählt ist.",
		m.ask(trend{measurement: binKind, field: fillLevel, with: "mean", asset: einzeln}), percent(binBands), called("Füllstand")), 12, 8)
	s.put(lines("Abstand zum Inhalt: $einzeln", "Was der Sensor misst, bevor daraus ein Füllstand wird: hilft, wenn die Eichung nicht stimmt.",
		m.ask(trend{measurement: binKind, field: distance, with: "mean", asset: einzeln}), defaults{Unit: "lengthmm", Decimals: digits(0), Min: number(0)}, called("Abstand")), 12, 8)
	return s.board
}
