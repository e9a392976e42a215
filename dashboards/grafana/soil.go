package grafana

// soil is for who waters.
func (m maker) soil() *Board {
	s := m.sheet("boden", "Böden und Bäume", "Wie viel Wasser Bäume und Beete haben, und wo es fehlt.", "7d")
	s.choose(soilKind)
	s.chooseOne(soilKind, "Im Verlauf")
	dry := func(below string, colors *thresholds) panel {
		return stat("Unter "+below+" % nFK", "So viele Standorte hatten bei der letzten Messung im Zeitraum weniger als so viel nutzbare Feldkapazität.",
			m.ask(tally{soilKind, "asset", nfk, "< " + below, anlage}), defaults{NoValue: "0", Thresholds: colors})
	}
	s.put(dry("30", bands("green", 1.0, "red")), 6, 4)
	s.put(dry("50", bands("green", 1.0, "orange")), 6, 4)
	s.put(stat("Mittlere nFK", "Mittel der letzten Werte aller gewählten Standorte.", m.ask(middle{soilKind, nfk, anlage}), percent(soilBands)), 6, 4)
	s.put(stat("Mit Messwert", "So viele der gewählten Standorte haben im Zeitraum Bodenfeuchte gemeldet.",
		m.ask(tally{soilKind, "asset", moisture, "", anlage}), defaults{NoValue: "0"}), 6, 4)

	question := newest{soilKind, "asset", []string{nfk, moisture, soilCelsius}, nil, anlage}
	s.put(m.worldMap("Wo es fehlt", "Letzte nutzbare Feldkapazität (nFK) im Zeitraum.", newest{soilKind, "asset", []string{nfk}, nil, anlage}, places{soilKind, anlage}, nfk,
		percent(soilBands), []override{on(nfk, title("nFK"))}), 12, 14)
	columns := append(m.placeColumns(), gauge(nfk, "nFK", soilBands), column(moisture, "Bodenfeuchte", "percent", 1), column(soilCelsius, "Bodentemperatur", "celsius", 1))
	list := table("Trockenste zuerst", "Letzte Messung im Zeitraum. Ohne Bodenart im Bestand gibt es keine nFK; diese Standorte stehen hier nicht.",
		m.ask(question, places{soilKind, anlage}), append(columns, hidden("latitude", "longitude")...), "nFK", false)
	list.Transformations = joined()
	s.put(list, 12, 14)
	s.put(lines("Alle gewählten", "Mittel, niedrigste und höchste nFK aller gewählten Standorte. Nach Regen steigen alle drei.",
		m.ask(spread(soilKind, nfk)...), percent(soilBands), called(spreadNames...)), 24, 8)
	s.put(lines("nFK und Bodenfeuchte: $einzeln", "Verlauf des Standorts, der oben unter „Im Verlauf“ gewählt ist.",
		m.ask(trend{measurement: soilKind, field: nfk, with: "mean", asset: einzeln}, trend{measurement: soilKind, field: moisture, with: "mean", asset: einzeln}),
		percent(soilBands), called("nFK", "Bodenfeuchte")), 12, 8)
	s.put(lines("Bodentemperatur: $einzeln", "In der Tiefe des Fühlers.",
		m.ask(trend{measurement: soilKind, field: soilCelsius, with: "mean", asset: einzeln}), defaults{Unit: "celsius", Decimals: digits(1)}, called("Bodentemperatur")), 12, 8)
	return s.board
}
