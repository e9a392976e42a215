package rules

import "meldefunk/city"

// faultOrder gives each fault its bit in a stored ring. What is stored lives longer than
// the program: new faults go to the end, and none is ever taken out.
var faultOrder = [...]city.Fault{
	city.FaultNoSensor, city.FaultProbe, city.FaultTooClose, city.FaultNoEcho, city.FaultImplausible,
	city.FaultUncalibrated, city.FaultOutOfScale, city.FaultObstructed, city.FaultNoFix, city.FaultDevice,
	city.FaultClock, city.FaultChecksum, city.FaultUnparsedTail,
}

// faultBit is 0 for a fault without a bit.
func faultBit(f city.Fault) uint32 {
	for i := range faultOrder {
		if faultOrder[i] == f {
			return 1 << i
		}
	}
	return 0
}

// faults lists what a mask of bits means.
func faults(mask uint32) []city.Fault {
	var all []city.Fault
	for i := range faultOrder {
		if mask&(1<<i) != 0 {
			all = append(all, faultOrder[i])
		}
	}
	return all
}
