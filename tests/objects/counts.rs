// Counts frames by protocol, as a Rust program does it: no library, a map of the old kind, functions in sections of
// their own, and an overflow that ends in a loop for ever. rustc gives no object for BPF but assembly.
#![feature(no_core, lang_items, intrinsics, rustc_attrs, arbitrary_self_types, auto_traits)]
#![no_core]
#![no_main]
#![allow(internal_features, dead_code)]

#[lang = "pointee_sized"]
pub trait PointeeSized {}
#[lang = "meta_sized"]
pub trait MetaSized: PointeeSized {}
#[lang = "sized"]
pub trait Sized: MetaSized {}
#[lang = "copy"]
pub trait Copy {}
impl Copy for u8 {}
impl Copy for u32 {}
impl Copy for u64 {}
impl Copy for usize {}
impl<T: PointeeSized> Copy for *mut T {}
#[lang = "add"]
pub trait Add<R = Self> {
    type Output;
    fn add(self, r: R) -> Self::Output;
}
impl Add for usize {
    type Output = usize;
    fn add(self, r: usize) -> usize {
        self + r
    }
}
impl Add for u64 {
    type Output = u64;
    fn add(self, r: u64) -> u64 {
        self + r
    }
}
#[lang = "eq"]
pub trait PartialEq<R: PointeeSized = Self>: PointeeSized {
    fn eq(&self, other: &R) -> bool;
    fn ne(&self, other: &R) -> bool;
}
impl PartialEq for usize {
    fn eq(&self, other: &usize) -> bool {
        *self == *other
    }
    fn ne(&self, other: &usize) -> bool {
        *self != *other
    }
}
#[lang = "partial_ord"]
pub trait PartialOrd<R: PointeeSized = Self>: PartialEq<R> {
    fn lt(&self, other: &R) -> bool;
    fn le(&self, other: &R) -> bool;
    fn gt(&self, other: &R) -> bool;
    fn ge(&self, other: &R) -> bool;
}
impl PartialOrd for usize {
    fn lt(&self, other: &usize) -> bool {
        *self < *other
    }
    fn le(&self, other: &usize) -> bool {
        *self <= *other
    }
    fn gt(&self, other: &usize) -> bool {
        *self > *other
    }
    fn ge(&self, other: &usize) -> bool {
        *self >= *other
    }
}
#[lang = "sync"]
pub unsafe auto trait Sync {}
#[lang = "freeze"]
pub unsafe auto trait Freeze {}
#[lang = "drop_in_place"]
unsafe fn drop_in_place<T: PointeeSized>(_: *mut T) {}
#[lang = "panic_location"]
struct PanicLocation<'a> {
    file: &'a str,
    line: u32,
    column: u32,
}
#[lang = "panic_const_add_overflow"]
fn overflow() -> ! {
    loop {}
}
#[rustc_intrinsic]
pub unsafe fn transmute<A, B>(a: A) -> B;

#[repr(C)]
pub struct XdpMd {
    data: u32,
    data_end: u32,
}
#[repr(C)]
pub struct BpfMapDef {
    kind: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
    id: u32,
    pinning: u32,
}
#[no_mangle]
#[link_section = "maps"]
pub static mut COUNTS: BpfMapDef =
    BpfMapDef { kind: 2, key_size: 4, value_size: 8, max_entries: 256, map_flags: 0, id: 0, pinning: 0 };
#[no_mangle]
#[link_section = "license"]
pub static _license: [u8; 4] = [71, 80, 76, 0];

#[inline(never)]
unsafe fn count(protocol: u32) -> u64 {
    let lookup: extern "C" fn(*mut BpfMapDef, *const u32) -> *mut u64 = transmute(1usize);
    let value = lookup(&raw mut COUNTS, &raw const protocol);
    if value as usize == 0 {
        return 0;
    }
    *value = *value + 1;
    *value
}

#[no_mangle]
#[link_section = "xdp"]
pub unsafe extern "C" fn counts(ctx: *mut XdpMd) -> u32 {
    let data = (*ctx).data as usize;
    if data + 34 > (*ctx).data_end as usize {
        return 2;
    }
    let protocol = *((data + 23) as *const u8) as u32;
    if count(protocol) as usize == 3 {
        return 1;
    }
    3
}
