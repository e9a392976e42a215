package decoders

import "meldefunk/city"

// Teneo IoT: battery in steps of 0.1 V from 2 V, then the measurement, integers big endian;
// port 3 while charging. (TheThingsNetwork/lorawan-devices, vendor/teneo-iot.)
func teneo() []model {
	battery := field{quantity: city.BatteryVoltage, plus: 20, per: 10}
	return []model{
		{name: "teneo-iot/filling-degree", kind: city.Bin, ports: []port{
			{number: 1, carries: "measurement", layout: teneoDistance(battery)},
			{number: 2, carries: "error", layout: frames{
				{length: 2, is: teneoStatus(1, false), fields: []field{battery}, troubles: teneoTrouble(1)},
				{length: 2, is: teneoStatus(1, true), fields: []field{battery}, special: noEcho(label{at: 1, name: "status"})},
			}},
			{number: 3, carries: "charging", layout: frames{{length: 1, longer: true, fields: []field{battery}}}},
		}},
		{name: "teneo-iot/soil-moisture", kind: city.Soil, ports: []port{
			{number: 1, carries: "measurement", layout: frames{
				{length: 2, fields: []field{battery, {quantity: city.SoilMoisture, at: 1}}},
				{length: 6, fields: []field{battery, {quantity: city.SoilMoisture, at: 1}, {quantity: city.SoilTemperature, at: 2, form: s16be, per: 100}}},
			}},
			{number: 3, carries: "charging", layout: frames{{length: 1, longer: true, fields: []field{battery}}}},
		}},
	}
}

// teneoDistance: distance in cm; 4 and 8 bytes have a status behind it, 7 and 8 the air at
// the end. With a status other than 0 there is no distance.
func teneoDistance(battery field) frames {
	distance := field{quantity: city.Distance, at: 1, form: u16be, times: 10}
	air := func(at int) []field {
		return []field{
			{quantity: city.Temperature, at: at, form: s16be, per: 100},
			{quantity: city.Humidity, at: at + 2, form: u16be, per: 100},
		}
	}
	status := []label{{at: 3, name: "status"}}
	good := func(payload []byte) bool { return payload[3] == 0 }
	return frames{
		{length: 3, fields: []field{battery, distance}},
		{length: 7, fields: append([]field{battery, distance}, air(3)...)},
		{length: 4, is: good, fields: []field{battery, distance}, labels: status},
		{length: 8, is: good, fields: append([]field{battery, distance}, air(4)...), labels: status},
		{length: 4, is: teneoStatus(3, true), blank: []byte{3: teneoBlind}, fields: []field{battery}, special: noEcho(label{at: 3, name: "status"})},
		{length: 8, is: teneoStatus(3, true), blank: []byte{3: teneoBlind}, fields: append([]field{battery}, air(4)...), special: noEcho(label{at: 3, name: "status"})},
		{length: 4, is: teneoStatus(3, false), fields: []field{battery}, troubles: teneoTrouble(3)},
		{length: 8, is: teneoStatus(3, false), fields: append([]field{battery}, air(4)...), troubles: teneoTrouble(3)},
	}
}

// teneoBlind is the status of a sensor that works and hears no echo.
const teneoBlind = 4

func teneoStatus(at int, blind bool) func([]byte) bool {
	return func(payload []byte) bool { return payload[at] != 0 && (payload[at] == teneoBlind) == blind }
}

func teneoTrouble(at int) []trouble { return []trouble{{at: at, mask: 0xff, fault: city.FaultProbe}} }
