// Package pipeline is the one road an uplink takes: look up, order, decode, judge,
// commit, acknowledge. It knows the order of the steps and what "done" means.
//
// It does not know MQTT, SQL, payload layouts, rule files or ticket systems: it calls
// the small interfaces it declares.
package pipeline
