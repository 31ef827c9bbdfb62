//! What the scenarios are made of. Never depended upon by the product.

pub mod memory_store;
