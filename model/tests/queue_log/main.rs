//! The log of a partition beside a naive reference, on a disk that loses whatever it may.

mod cutting;
mod damage;
mod disk;
mod durable;
mod life;
mod reading;
mod reference;
mod restart;
mod retention;
mod words;
