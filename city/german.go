package city

// German is the quantity's name as people read it, on the board and in tickets.
func (q Quantity) German() string {
	switch q {
	case FillLevel:
		return "Füllstand"
	case Distance:
		return "Abstand zum Inhalt"
	case Tilt:
		return "Lage des Sensors"
	case SoilMoisture:
		return "Bodenfeuchte"
	case SoilTemperature:
		return "Bodentemperatur"
	case Conductivity:
		return "Leitfähigkeit des Bodens"
	case Occupied:
		return "Belegung"
	case Temperature:
		return "Temperatur am Gerät"
	case BatteryVoltage:
		return "Batteriespannung"
	case BatteryLevel:
		return "Batterieladung"
	case BatteryLow:
		return "Batterie schwach"
	case Distance2:
		return "Abstand, zweiter Fühler"
	case Distance3:
		return "Abstand, dritter Fühler"
	case DistanceMin:
		return "kleinster Abstand"
	case DistanceMax:
		return "größter Abstand"
	case DistanceMedian:
		return "mittlerer Abstand"
	case DistanceChange:
		return "Änderung des Abstands"
	case EchoStrength:
		return "Stärke des Echos"
	case Samples:
		return "gültige Messungen"
	case LevelAlarm:
		return "Meldung des Sensors zum Füllstand"
	case FireAlarm:
		return "Meldung des Sensors zu Feuer"
	case TiltAngle:
		return "Neigung"
	case WaterLevel:
		return "Wasserstand"
	case WaterPressure:
		return "Wasserdruck"
	case WaterTemperature:
		return "Wassertemperatur"
	case Leak:
		return "Wasser ausgetreten"
	case SoilTension:
		return "Saugspannung"
	case UsableFieldCapacity:
		return "nutzbare Feldkapazität"
	case Permittivity:
		return "Dielektrizitätszahl"
	case SoilMoistureRaw:
		return "Bodenfeuchte, Rohwert"
	case ConductivityRaw:
		return "Leitfähigkeit, Rohwert"
	case SoilFrequency:
		return "Bodenfühler, Frequenz"
	case SoilThermistor:
		return "Bodenfühler, Spannung"
	case WatermarkFrequency:
		return "Saugspannungsfühler, Frequenz"
	case WatermarkFrequency2:
		return "Saugspannungsfühler 2, Frequenz"
	case PreviousDuration:
		return "Dauer des vorigen Zustands"
	case OccupiedSince:
		return "Belegung unverändert seit"
	case FormerDuration:
		return "Dauer bis zum Wechsel"
	case Count:
		return "Zählerstand"
	case ProbeTemperature:
		return "Temperatur am Fühler"
	case Humidity:
		return "Luftfeuchte"
	case Pressure:
		return "Luftdruck"
	case CO2:
		return "Kohlendioxid"
	case TVOC:
		return "flüchtige organische Stoffe"
	case Ozone:
		return "Ozon"
	case Formaldehyde:
		return "Formaldehyd"
	case PM1:
		return "Feinstaub PM1"
	case PM25:
		return "Feinstaub PM2,5"
	case PM4:
		return "Feinstaub PM4"
	case PM10:
		return "Feinstaub PM10"
	case Noise:
		return "Lärm"
	case Illuminance:
		return "Helligkeit"
	case UVIndex:
		return "UV-Index"
	case SolarRadiation:
		return "Sonnenstrahlung"
	case WindSpeed:
		return "Wind"
	case WindGust:
		return "Böen"
	case WindDirection:
		return "Windrichtung"
	case Rain:
		return "Niederschlag"
	case RainTotal:
		return "Niederschlag, Zählerstand"
	case RainRate:
		return "Niederschlag je Stunde"
	case Lightning:
		return "Blitze"
	case PeoplePresent:
		return "Personen anwesend"
	case PeopleInLately:
		return "Personen hinein, zuletzt"
	case PeopleOutLately:
		return "Personen hinaus, zuletzt"
	case DoorOpen:
		return "Tür oder Klappe"
	case Tampered:
		return "Gehäuse"
	case Latitude:
		return "Breite"
	case Longitude:
		return "Länge"
	case Speed:
		return "Geschwindigkeit"
	case DimLevel:
		return "Dimmstufe"
	case Power:
		return "Leistung"
	case Energy:
		return "Energie, Zählerstand"
	case Volume:
		return "Volumen, Zählerstand"
	case SoilTemperature2:
		return "Bodentemperatur, 2. Tiefe"
	case SoilTemperature3:
		return "Bodentemperatur, 3. Tiefe"
	case SoilTemperature4:
		return "Bodentemperatur, 4. Tiefe"
	case SoilTemperature5:
		return "Bodentemperatur, 5. Tiefe"
	case SoilTemperature6:
		return "Bodentemperatur, 6. Tiefe"
	case SoilTemperature7:
		return "Bodentemperatur, 7. Tiefe"
	case SoilTemperature8:
		return "Bodentemperatur, 8. Tiefe"
	case SoilMoistureIndex:
		return "Feuchteindex, 1. Tiefe"
	case SoilMoistureIndex2:
		return "Feuchteindex, 2. Tiefe"
	case SoilMoistureIndex3:
		return "Feuchteindex, 3. Tiefe"
	case SoilMoistureIndex4:
		return "Feuchteindex, 4. Tiefe"
	case SoilMoistureIndex5:
		return "Feuchteindex, 5. Tiefe"
	case SoilMoistureIndex6:
		return "Feuchteindex, 6. Tiefe"
	case SoilMoistureIndex7:
		return "Feuchteindex, 7. Tiefe"
	case SoilMoistureIndex8:
		return "Feuchteindex, 8. Tiefe"
	case PeopleIn:
		return "Personen hinein"
	case PeopleOut:
		return "Personen hinaus"
	case PeopleIn2:
		return "Personen hinein, 2. Linie"
	case PeopleOut2:
		return "Personen hinaus, 2. Linie"
	case PeopleIn3:
		return "Personen hinein, 3. Linie"
	case PeopleOut3:
		return "Personen hinaus, 3. Linie"
	case PeopleIn4:
		return "Personen hinein, 4. Linie"
	case PeopleOut4:
		return "Personen hinaus, 4. Linie"
	}
	return q.String()
}

// GermanYesNo says yes or no to a quantity that is nothing else: "belegt", "frei".
func (q Quantity) GermanYesNo(yes bool) string {
	words := [2]string{"nein", "ja"}
	switch q {
	case Occupied:
		words = [2]string{"frei", "belegt"}
	case Tilt:
		words = [2]string{"aufrecht", "gekippt"}
	case DoorOpen:
		words = [2]string{"geschlossen", "offen"}
	case Tampered:
		words = [2]string{"unversehrt", "geöffnet oder abgenommen"}
	}
	if yes {
		return words[1]
	}
	return words[0]
}
