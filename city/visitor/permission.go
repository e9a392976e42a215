package visitor

import (
	"fmt"
	"slices"
	"strings"
)

// Permission is one thing that somebody may do. A scope of a token is a permission.
type Permission string

// The permissions.
const (
	ReadReadings     Permission = "read:readings"     // assets, what they measure, tours
	ReadTickets      Permission = "read:tickets"      // cases, their tickets and who did what, mutes
	ReadRules        Permission = "read:rules"        // rules and what they wait for
	ReadDevices      Permission = "read:devices"      // devices, their radio, messages that were set aside
	ReadPlatform     Permission = "read:platform"     // how the platform is: readiness, metrics
	ReadSensorThings Permission = "read:sensorthings" // what is released, by the SensorThings API
	WriteTours       Permission = "write:tours"       // tick off the stops of a tour
	WriteTickets     Permission = "write:tickets"     // acknowledge, hold, close; mute and lift mutes
	WriteDevices     Permission = "write:devices"     // calibrate, move, retire
	WriteRules       Permission = "write:rules"       // edit rules, in shadow
	Admin            Permission = "admin"             // put rules into force, end sessions
)

// Permissions are some of them.
type Permissions []Permission

// AllPermissions are all, in the order they are told in.
func AllPermissions() Permissions {
	return Permissions{ReadReadings, ReadTickets, ReadRules, ReadDevices, ReadPlatform, ReadSensorThings,
		WriteTours, WriteTickets, WriteDevices, WriteRules, Admin}
}

// ReadPermissions are those that change nothing.
func ReadPermissions() Permissions {
	return Permissions{ReadReadings, ReadTickets, ReadRules, ReadDevices, ReadPlatform, ReadSensorThings}
}

// Have tells whether p is among them.
func (ps Permissions) Have(p Permission) bool { return slices.Contains(ps, p) }

// String is what ParsePermissions reads.
func (ps Permissions) String() string {
	words := make([]string, len(ps))
	for i, p := range ps {
		words[i] = string(p)
	}
	return strings.Join(words, ",")
}

// ParsePermissions reads "read:readings,read:tickets": at least one, none twice.
func ParsePermissions(text string) (Permissions, error) {
	var ps Permissions
	for word := range strings.SplitSeq(text, ",") {
		p := Permission(strings.TrimSpace(word))
		if !AllPermissions().Have(p) {
			return nil, fmt.Errorf("%.40q: want some of %s, with commas between", word, AllPermissions())
		}
		if ps.Have(p) {
			return nil, fmt.Errorf("%s stands twice", p)
		}
		ps = append(ps, p)
	}
	return ps, nil
}
