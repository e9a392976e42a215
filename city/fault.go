package city

// Fault is something a sensor reports about itself, or that its frame shows, in place of
// a value. A fault is never turned into a number.
type Fault string

// The faults.
const (
	FaultNoSensor     Fault = "no_sensor"     // the probe is not connected
	FaultProbe        Fault = "probe_broken"  // the probe answers with an error code
	FaultTooClose     Fault = "too_close"     // nearer than the sensor can measure
	FaultNoEcho       Fault = "no_echo"       // blind, or nothing in range
	FaultImplausible  Fault = "implausible"   // outside the physical range of the quantity
	FaultUncalibrated Fault = "uncalibrated"  // no fill level, water level or field capacity: the asset has no calibration, or none that holds
	FaultOutOfScale   Fault = "out_of_scale"  // fill level or field capacity capped: beyond the calibrated range
	FaultObstructed   Fault = "obstructed"    // something covers the sensor
	FaultNoFix        Fault = "no_fix"        // no position from satellites
	FaultDevice       Fault = "device"        // the device reports an error of its own
	FaultClock        Fault = "clock"         // a record from the device's memory has an impossible time; it is dropped
	FaultChecksum     Fault = "checksum"      // the frame's own checksum does not match: values are doubtful
	FaultUnparsedTail Fault = "unparsed_tail" // some bytes of the frame were not understood
)

// Faults lists every fault.
func Faults() []Fault {
	return []Fault{FaultNoSensor, FaultProbe, FaultTooClose, FaultNoEcho, FaultImplausible, FaultUncalibrated, FaultOutOfScale, FaultObstructed, FaultNoFix, FaultDevice, FaultClock, FaultChecksum, FaultUnparsedTail}
}

// German is the fault as people read it, on the board and in what explains decisions.
func (f Fault) German() string {
	switch f {
	case FaultNoSensor:
		return "Messfühler nicht angeschlossen"
	case FaultProbe:
		return "Messfühler meldet einen Fehler"
	case FaultTooClose:
		return "zu nah für den Sensor"
	case FaultNoEcho:
		return "kein Echo, Sensor sieht nichts"
	case FaultImplausible:
		return "unmöglicher Messwert verworfen"
	case FaultUncalibrated:
		return "nicht oder falsch kalibriert"
	case FaultOutOfScale:
		return "außerhalb der Kalibrierung, Wert begrenzt"
	case FaultObstructed:
		return "Sensor verdeckt"
	case FaultNoFix:
		return "keine Position"
	case FaultDevice:
		return "Gerät meldet einen eigenen Fehler"
	case FaultClock:
		return "Uhr des Geräts falsch, alte Messwerte verworfen"
	case FaultChecksum:
		return "Prüfsumme falsch, Werte zweifelhaft"
	case FaultUnparsedTail:
		return "Teil der Nachricht nicht verstanden"
	}
	return string(f)
}
