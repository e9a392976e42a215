package sensorthings

import "meldefunk/city"

// ucum gives the code of the Unified Code for Units of Measure, and the German name, of the
// units of city.Quantity.
var ucum = map[string]struct{ code, name string }{
	"%": {"%", "Prozent"}, "mm": {"mm", "Millimeter"}, "°C": {"Cel", "Grad Celsius"}, "µS/cm": {"uS/cm", "Mikrosiemens je Zentimeter"},
	"V": {"V", "Volt"}, "°": {"deg", "Grad"}, "bar": {"bar", "Bar"}, "kPa": {"kPa", "Kilopascal"}, "Hz": {"Hz", "Hertz"}, "mV": {"mV", "Millivolt"},
	"min": {"min", "Minute"}, "s": {"s", "Sekunde"}, "hPa": {"hPa", "Hektopascal"}, "ppm": {"[ppm]", "Millionstel"}, "ppb": {"[ppb]", "Milliardstel"},
	"µg/m³": {"ug/m3", "Mikrogramm je Kubikmeter"}, "dB(A)": {"dB[SPL]", "Dezibel (A-bewertet)"}, "lx": {"lx", "Lux"}, "W/m²": {"W/m2", "Watt je Quadratmeter"},
	"m/s": {"m/s", "Meter je Sekunde"}, "mm/h": {"mm/h", "Millimeter je Stunde"}, "km/h": {"km/h", "Kilometer je Stunde"}, "W": {"W", "Watt"},
	"kWh": {"kW.h", "Kilowattstunde"}, "m³": {"m3", "Kubikmeter"},
}

// unitOf is a quantity's unitOfMeasurement: null members where it has no unit.
func unitOf(q city.Quantity) map[string]any {
	u, ok := ucum[q.Unit()]
	if !ok {
		return noUnit()
	}
	return map[string]any{"name": u.name, "symbol": q.Unit(), "definition": "http://www.opengis.net/def/uom/UCUM/" + pathEscape(u.code)}
}

func noUnit() map[string]any { return map[string]any{"name": nil, "symbol": nil, "definition": nil} }

// Types of observations (OGC 10-004r3).
const (
	omMeasurement = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
	omCount       = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_CountObservation"
	omCategory    = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_CategoryObservation"
	omTruth       = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_TruthObservation"
)
