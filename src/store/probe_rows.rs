//! A table of one row that exists to be written, so that health is found out and not assumed.

use super::StoreError;
use super::transaction::{ReadTransaction, WriteTransaction};

impl ReadTransaction<'_> {
    /// Reads a row.
    pub fn probe_reading(&self) -> Result<(), StoreError> {
        let mut statement = self.connection().prepare_cached("SELECT writes FROM probe")?;
        statement.query_row([], |row| row.get::<_, i64>(0))?;
        Ok(())
    }
}

impl WriteTransaction<'_> {
    /// Writes a row.
    pub fn probe_writing(&self) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached("UPDATE probe SET writes = writes + 1")?
            .execute([])?;
        Ok(())
    }
}
