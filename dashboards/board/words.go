package board

import "meldefunk/city"

// kindWord is the German word for a kind of asset, and how it is spelled in a URL.
func kindWord(k city.Kind) (word, key string) {
	switch k {
	case city.Bin:
		return "Behälter", "behaelter"
	case city.Soil:
		return "Boden", "boden"
	case city.Parking:
		return "Stellplatz", "stellplatz"
	}
	return "unbekannt", "unbekannt"
}

func quantityWord(q city.Quantity) string {
	switch q {
	case city.FillLevel:
		return "Füllstand"
	case city.Distance:
		return "Abstand zum Inhalt"
	case city.Tilt:
		return "Lage des Sensors"
	case city.SoilMoisture:
		return "Bodenfeuchte"
	case city.SoilTemperature:
		return "Bodentemperatur"
	case city.Conductivity:
		return "Leitfähigkeit des Bodens"
	case city.Occupied:
		return "Belegung"
	case city.Temperature:
		return "Temperatur am Gerät"
	case city.BatteryVoltage:
		return "Batteriespannung"
	case city.BatteryLevel:
		return "Batterieladung"
	case city.BatteryLow:
		return "Batterie schwach"
	case city.Distance2:
		return "Abstand, zweiter Fühler"
	case city.Distance3:
		return "Abstand, dritter Fühler"
	case city.DistanceMin:
		return "kleinster Abstand"
	case city.DistanceMax:
		return "größter Abstand"
	case city.DistanceMedian:
		return "mittlerer Abstand"
	case city.DistanceChange:
		return "Änderung des Abstands"
	case city.EchoStrength:
		return "Stärke des Echos"
	case city.Samples:
		return "gültige Messungen"
	case city.LevelAlarm:
		return "Meldung des Sensors zum Füllstand"
	case city.FireAlarm:
		return "Meldung des Sensors zu Feuer"
	case city.TiltAngle:
		return "Neigung"
	case city.WaterLevel:
		return "Wasserstand"
	case city.WaterPressure:
		return "Wasserdruck"
	case city.WaterTemperature:
		return "Wassertemperatur"
	case city.Leak:
		return "Wasser ausgetreten"
	case city.SoilTension:
		return "Saugspannung"
	case city.UsableFieldCapacity:
		return "nutzbare Feldkapazität"
	case city.Permittivity:
		return "Dielektrizitätszahl"
	case city.SoilMoistureRaw:
		return "Bodenfeuchte, Rohwert"
	case city.ConductivityRaw:
		return "Leitfähigkeit, Rohwert"
	case city.SoilFrequency:
		return "Bodenfühler, Frequenz"
	case city.SoilThermistor:
		return "Bodenfühler, Spannung"
	case city.WatermarkFrequency:
		return "Saugspannungsfühler, Frequenz"
	case city.WatermarkFrequency2:
		return "Saugspannungsfühler 2, Frequenz"
	case city.PreviousDuration:
		return "Dauer des vorigen Zustands"
	case city.Count:
		return "Zählerstand"
	case city.ProbeTemperature:
		return "Temperatur am Fühler"
	case city.Humidity:
		return "Luftfeuchte"
	case city.Pressure:
		return "Luftdruck"
	case city.CO2:
		return "Kohlendioxid"
	case city.TVOC:
		return "flüchtige organische Stoffe"
	case city.Ozone:
		return "Ozon"
	case city.Formaldehyde:
		return "Formaldehyd"
	case city.PM1:
		return "Feinstaub PM1"
	case city.PM25:
		return "Feinstaub PM2,5"
	case city.PM4:
		return "Feinstaub PM4"
	case city.PM10:
		return "Feinstaub PM10"
	case city.Noise:
		return "Lärm"
	case city.Illuminance:
		return "Helligkeit"
	case city.UVIndex:
		return "UV-Index"
	case city.SolarRadiation:
		return "Sonnenstrahlung"
	case city.WindSpeed:
		return "Wind"
	case city.WindGust:
		return "Böen"
	case city.WindDirection:
		return "Windrichtung"
	case city.Rain:
		return "Niederschlag"
	case city.RainTotal:
		return "Niederschlag, Zählerstand"
	case city.RainRate:
		return "Niederschlag je Stunde"
	case city.Lightning:
		return "Blitze"
	case city.PeoplePresent:
		return "Personen anwesend"
	case city.PeopleInLately:
		return "Personen hinein, zuletzt"
	case city.PeopleOutLately:
		return "Personen hinaus, zuletzt"
	case city.DoorOpen:
		return "Tür"
	case city.Tampered:
		return "Gehäuse"
	case city.Latitude:
		return "Breite"
	case city.Longitude:
		return "Länge"
	case city.Speed:
		return "Geschwindigkeit"
	case city.SoilTemperature2:
		return "Bodentemperatur, 2. Tiefe"
	case city.SoilTemperature3:
		return "Bodentemperatur, 3. Tiefe"
	case city.SoilTemperature4:
		return "Bodentemperatur, 4. Tiefe"
	case city.SoilTemperature5:
		return "Bodentemperatur, 5. Tiefe"
	case city.SoilTemperature6:
		return "Bodentemperatur, 6. Tiefe"
	case city.SoilTemperature7:
		return "Bodentemperatur, 7. Tiefe"
	case city.SoilTemperature8:
		return "Bodentemperatur, 8. Tiefe"
	case city.SoilMoistureIndex:
		return "Feuchteindex, 1. Tiefe"
	case city.SoilMoistureIndex2:
		return "Feuchteindex, 2. Tiefe"
	case city.SoilMoistureIndex3:
		return "Feuchteindex, 3. Tiefe"
	case city.SoilMoistureIndex4:
		return "Feuchteindex, 4. Tiefe"
	case city.SoilMoistureIndex5:
		return "Feuchteindex, 5. Tiefe"
	case city.SoilMoistureIndex6:
		return "Feuchteindex, 6. Tiefe"
	case city.SoilMoistureIndex7:
		return "Feuchteindex, 7. Tiefe"
	case city.SoilMoistureIndex8:
		return "Feuchteindex, 8. Tiefe"
	case city.PeopleIn:
		return "Personen hinein"
	case city.PeopleOut:
		return "Personen hinaus"
	case city.PeopleIn2:
		return "Personen hinein, 2. Linie"
	case city.PeopleOut2:
		return "Personen hinaus, 2. Linie"
	case city.PeopleIn3:
		return "Personen hinein, 3. Linie"
	case city.PeopleOut3:
		return "Personen hinaus, 3. Linie"
	case city.PeopleIn4:
		return "Personen hinein, 4. Linie"
	case city.PeopleOut4:
		return "Personen hinaus, 4. Linie"
	}
	return q.String()
}

func yesNo(q city.Quantity, yes bool) string {
	words := [2]string{"nein", "ja"}
	switch q {
	case city.Occupied:
		words = [2]string{"frei", "belegt"}
	case city.Tilt:
		words = [2]string{"aufrecht", "gekippt"}
	case city.DoorOpen:
		words = [2]string{"zu", "offen"}
	case city.Tampered:
		words = [2]string{"unversehrt", "geöffnet oder abgenommen"}
	}
	if yes {
		return words[1]
	}
	return words[0]
}

func faultWord(f city.Fault) string {
	switch f {
	case city.FaultNoSensor:
		return "Messfühler nicht angeschlossen"
	case city.FaultProbe:
		return "Messfühler meldet einen Fehler"
	case city.FaultTooClose:
		return "zu nah für den Sensor"
	case city.FaultNoEcho:
		return "kein Echo, Sensor sieht nichts"
	case city.FaultImplausible:
		return "unmöglicher Messwert verworfen"
	case city.FaultUncalibrated:
		return "nicht kalibriert, kein Füllstand"
	case city.FaultOutOfScale:
		return "außerhalb der Kalibrierung, Füllstand begrenzt"
	case city.FaultObstructed:
		return "Sensor verdeckt"
	case city.FaultNoFix:
		return "keine Position"
	case city.FaultDevice:
		return "Gerät meldet einen eigenen Fehler"
	case city.FaultClock:
		return "Uhr des Geräts falsch, alte Messwerte verworfen"
	case city.FaultChecksum:
		return "Prüfsumme falsch, Werte zweifelhaft"
	case city.FaultUnparsedTail:
		return "Teil der Nachricht nicht verstanden"
	}
	return string(f)
}

func faultWords(faults []city.Fault) []string {
	words := make([]string, len(faults))
	for i, f := range faults {
		words[i] = faultWord(f)
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
	}
	return string(r)
}

// ticketWord says how far a case has got in the ticket system. A case without a ticket
// row has not been sent.
func ticketWord(s city.TicketState) string {
	switch s {
	case "", city.TicketQueued:
		return "wartet auf Übergabe"
	case city.TicketSending:
		return "wird übergeben"
	case city.TicketUnsure:
		return "Übergabe ungewiss, wird geprüft"
	case city.TicketOpen:
		return "übergeben, offen"
	case city.TicketClosing:
		return "wird geschlossen"
	case city.TicketClosed:
		return "geschlossen"
	case city.TicketCancelled:
		return "erledigt vor der Übergabe"
	case city.TicketParked:
		return "abgelehnt, bitte prüfen"
	}
	return string(s)
}

func sourceWord(s city.TimeSource) string {
	switch s {
	case city.TimeGateway:
		return "Uhr des Gateways"
	case city.TimeDevice:
		return "Uhr des Geräts"
	case city.TimeServer:
		return "Uhr des Netzwerkservers"
	}
	return "Ankunft hier"
}
