//! What the scenarios are made of. Never depended upon by the product.

pub mod memory_store;
pub mod store_contract;
