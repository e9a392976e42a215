// Package thethings understands what The Things Stack v3 publishes about devices over
// MQTT and puts it into the platform's words. V3 is the dialect.
//
// It does not know MQTT, the inventory, what a payload means, or whether a time is
// plausible; it keeps nothing from one message to the next.
package thethings
