package engine

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"syscall"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/libquickjs"
)

const (
	header   = 8       // bytes before each block: the number of its class
	smallest = 16      // bytes of a block of class 0, without header
	tableAt  = 16      // where the addresses of the functions below stand
	classes  = 96      // four to each doubling: up to 2^27 bytes
	slack    = 1 << 20 // bytes beyond a snapshot that stay with the process for the next run
)

// heap is all the memory that JavaScript has: one stretch of address space, cut into blocks
// of a few sizes. Freed blocks wait in a list for the next of their size; nothing is ever
// joined, because a run is short and ends with put.
//
// That everything lies in one stretch is what makes a snapshot possible.
type heap struct {
	mem  []byte
	base uintptr
	marks

	// What the engine calls. The engine holds their addresses as numbers, so the garbage
	// collector must find them here.
	malloc func(*libc.TLS, uintptr, libc.Tsize_t) uintptr
	free   func(*libc.TLS, uintptr, uintptr)
	resize func(*libc.TLS, uintptr, uintptr, libc.Tsize_t) uintptr
	usable func(*libc.TLS, uintptr) libc.Tsize_t
}

// marks say which part of the memory is taken.
type marks struct {
	top  int          // everything from here was never used
	bins [classes]int // first free block of each class, 0 for none
}

// snapshot is what a heap held at one time.
type snapshot struct {
	mem []byte
	marks
}

func newHeap(size int) (*heap, error) {
	mem, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("reserve %d bytes for JavaScript: %w", size, err)
	}
	h := &heap{mem: mem, base: uintptr(unsafe.Pointer(&mem[0]))}
	h.top = tableAt + int(unsafe.Sizeof(lib.TJSMallocFunctions{})) // offset 0 means "no block"
	h.malloc = func(_ *libc.TLS, _ uintptr, n libc.Tsize_t) uintptr { return h.take(uint64(n)) }
	h.free = func(_ *libc.TLS, _ uintptr, p uintptr) { h.give(p) }
	h.resize = func(_ *libc.TLS, _ uintptr, p uintptr, n libc.Tsize_t) uintptr { return h.move(p, uint64(n)) }
	h.usable = func(_ *libc.TLS, p uintptr) libc.Tsize_t { return libc.Tsize_t(h.room(p)) }
	*(*lib.TJSMallocFunctions)(unsafe.Pointer(&mem[tableAt])) = lib.TJSMallocFunctions{
		Fjs_malloc:             address(&h.malloc),
		Fjs_free:               address(&h.free),
		Fjs_realloc:            address(&h.resize),
		Fjs_malloc_usable_size: address(&h.usable),
	}
	return h, nil
}

// address gives the number by which translated C calls a Go function.
func address[F any](f *F) uintptr { return *(*uintptr)(unsafe.Pointer(f)) }

// functions is the address of the table of what the engine calls.
func (h *heap) functions() uintptr { return h.base + tableAt }

// close gives the memory back. Nothing of the engine may be used any more.
func (h *heap) close() error { return syscall.Munmap(h.mem) }

// class gives the smallest class that holds n bytes, and how many it holds.
func class(n uint64) (int, int) {
	if n <= smallest {
		return 0, smallest
	}
	// The two bits below the leading one choose among four steps.
	shift := bits.Len64(n-1) - 3
	step := (n - 1) >> shift // 4 to 7
	return (shift-2)*4 + int(step) - 3, int((step + 1) << shift)
}

// take gives a block of at least n bytes, 0 where there is no room.
func (h *heap) take(n uint64) uintptr {
	if n > uint64(len(h.mem)) {
		return 0
	}
	c, size := class(n)
	if block := h.bins[c]; block != 0 {
		h.bins[c] = int(binary.NativeEndian.Uint64(h.mem[block:]))
		return h.base + uintptr(block)
	}
	size = (size + 7) &^ 7
	if size > len(h.mem)-h.top-header {
		return 0
	}
	binary.NativeEndian.PutUint64(h.mem[h.top:], uint64(c))
	block := h.top + header
	h.top = block + size
	return h.base + uintptr(block)
}

func (h *heap) give(p uintptr) {
	if p == 0 {
		return
	}
	block := int(p - h.base)
	c := binary.NativeEndian.Uint64(h.mem[block-header:])
	binary.NativeEndian.PutUint64(h.mem[block:], uint64(h.bins[c]))
	h.bins[c] = block
}

// room is how many bytes the block holds.
func (h *heap) room(p uintptr) int {
	if p == 0 {
		return 0
	}
	c := int(binary.NativeEndian.Uint64(h.mem[int(p-h.base)-header:]))
	if c == 0 {
		return smallest
	}
	return (4 + (c-1)%4 + 1) << ((c-1)/4 + 2)
}

func (h *heap) move(p uintptr, n uint64) uintptr {
	if p == 0 {
		return h.take(n)
	}
	if n == 0 {
		h.give(p)
		return 0
	}
	had := h.room(p)
	if n <= uint64(had) {
		return p
	}
	q := h.take(n)
	if q == 0 {
		return 0
	}
	from, to := int(p-h.base), int(q-h.base)
	copy(h.mem[to:], h.mem[from:from+had])
	h.give(p)
	return q
}

// keep copies parts one after the other into a block, each with a zero byte behind it, as C wants
// texts. It gives where they stand, or 0 where there is no room. The block goes with put.
func (h *heap) keep(parts ...string) uintptr {
	n := 0
	for _, p := range parts {
		n += len(p) + 1
	}
	block := h.take(uint64(n))
	if block == 0 {
		return 0
	}
	at := h.mem[block-h.base:]
	for _, p := range parts {
		copy(at, p)
		at[len(p)] = 0
		at = at[len(p)+1:]
	}
	return block
}

// save takes a snapshot.
func (h *heap) save() *snapshot {
	return &snapshot{mem: append([]byte(nil), h.mem[:h.top]...), marks: h.marks}
}

// put makes the heap what it was at the snapshot. Memory that a greedy run has taken goes
// back to the system.
func (h *heap) put(s *snapshot) error {
	used := h.top
	copy(h.mem, s.mem)
	h.marks = s.marks
	page := syscall.Getpagesize()
	if keep := (s.top + slack + page - 1) / page * page; used > keep {
		if err := syscall.Madvise(h.mem[keep:], syscall.MADV_DONTNEED); err != nil {
			return fmt.Errorf("return memory of JavaScript: %w", err)
		}
	}
	return nil
}
