package grafana

import "slices"

// devices is for who looks after sensors and radio.
func (m maker) devices() *Board {
	s := m.sheet("geraete", "Geräte und Funk", "Wer sendet, wie gut er gehört wird, wessen Batterie endet.", "24h")
	s.chooseKind()
	s.choose(kinds)
	questions, names := heard(shownKinds())
	s.put(bars("Messwerte je Stunde", "Wie viele Meldungen ankamen, nach Art. Nicht eingeschränkt.",
		m.ask(questions...), defaults{Unit: "none", Decimals: digits(0), Min: number(0)}, called(names...)), 24, 8)
	radio := func(name, about, field, of string, decimals int) panel {
		return lines(name, about, m.ask(trend{measurement: kinds, field: field, with: "mean", by: "model", asset: anlage}),
			defaults{Unit: of, Decimals: digits(decimals), DisplayName: "${__field.labels.model}"}, nil)
	}
	s.put(radio("Empfangsstärke", "RSSI am besten Gateway, Mittel je Modell.", "rssi", "dBm", 0), 12, 8)
	s.put(radio("Rauschabstand", "SNR am besten Gateway, Mittel je Modell.", "snr", "dB", 1), 12, 8)
	s.put(radio("Gateways je Meldung", "Wie viele Gateways eine Meldung gehört haben, Mittel je Modell. Eins ist wenig: Fällt es aus, ist das Gerät stumm.", "gateways", "none", 1), 12, 8)
	s.put(radio("Spreizfaktor", "SF 7 (nah, sparsam) bis SF 12 (fern, teuer), Mittel je Modell.", "sf", "none", 1), 12, 8)
	device := append(m.placeColumns(), on("dev_eui", title("DevEUI")), on("model", title("Modell")), on("fcnt", title("Zähler")),
		column("rssi", "RSSI", "dBm", 0), column("snr", "SNR", "dB", 1), column("sf", "SF", "none", 0), column("gateways", "Gateways", "none", 0))
	s.put(table("Zuletzt gehört", "Letzte Meldung jedes Geräts im Zeitraum, die längste Zeit stumme zuerst. Wer im ganzen Zeitraum stumm war, fehlt hier: siehe „Qualität“ auf der Tafel.",
		m.ask(newest{kinds, "dev_eui", []string{"fcnt", "rssi", "snr", "sf", "gateways"}, []string{"asset", "model"}, anlage}), device, "Gemessen", false), 24, 10)
	power := func(name, about, field string, look override) panel {
		return table(name, about, m.ask(newest{kinds, "dev_eui", []string{field}, []string{"asset", "model"}, anlage}), append(slices.Clone(device), look), name, false)
	}
	s.put(power("Batterieladung", "Letzte Angabe im Zeitraum; viele Geräte geben keine.", battery, gauge(battery, "Batterieladung", bands("red", 15.0, "orange", 30.0, "green"))), 12, 10)
	s.put(power("Batteriespannung", "Letzte Angabe im Zeitraum; viele Geräte geben keine.", volts, column(volts, "Batteriespannung", "volt", 2)), 12, 10)
	s.put(m.faultsTable(kinds, anlage), 24, 10)
	return s.board
}
