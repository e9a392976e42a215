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
