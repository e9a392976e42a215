package city

// What an Envelope may have at most. Network servers come nowhere near: labels are short
// names, and a wrapped AES-128 key has 24 bytes.
const (
	MaxKEKLabel   = 256 // bytes
	MaxWrappedKey = 64  // bytes
)

// Envelope is the session key of an end-to-end encrypted frame as the network server hands
// it on: wrapped by AES key wrap (RFC 3394) with a key that only the city has.
type Envelope struct {
	KEKLabel string  // names the key encryption key
	Wrapped  []byte  // the AppSKey; 24 bytes where all is well
	DevAddr  [4]byte // address of the device in its session, bytes in the order they are printed
}
