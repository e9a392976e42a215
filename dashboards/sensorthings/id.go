package sensorthings

import (
	"crypto/sha256"
	"encoding/binary"

	"meldefunk/city"
)

// Ids are numbers below 2^53, which every JSON reader keeps exactly. They come from names and
// from the numbers of readings, so they are the same after a restart and with any order of
// the inventory.
//
//	entities       a hash of set and key, 52 bits
//	observations   of a reading: its number, then 16 bits for the quantity
//	               of parking: bit 52, 30 bits for the Datastream, 22 bits for the quarter of an hour since 1970
const (
	idBits       = 52
	quantityBits = 16
	stepBits     = 22
	streamBits   = 30
	parkingBit   = int64(1) << idBits
	maxReading   = int64(1)<<(idBits-quantityBits) - 1
)

func hash(bits int, words ...string) int64 {
	h := sha256.New()
	for _, w := range words {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(w)))
		h.Write(n[:])
		h.Write([]byte(w))
	}
	return int64(binary.BigEndian.Uint64(h.Sum(nil)) >> (64 - bits))
}

// idOf is the id of an entity that is no observation, 1 or more.
func idOf(s *set, key string) int64 { return max(1, hash(idBits, s.name, key)) }

// quantityID tells the quantities of one reading apart.
func quantityID(q city.Quantity) int64 { return hash(quantityBits, "quantity", q.String()) }

func sampleID(reading int64, q city.Quantity) int64 { return reading<<quantityBits | quantityID(q) }

func stepID(stream int64, step int64) int64 {
	return parkingBit | (stream&(1<<streamBits-1))<<stepBits | step&(1<<stepBits-1)
}
